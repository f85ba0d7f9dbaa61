const started = performance.now();

/** Seconds since the script was started. */
export const secondsSoFar = () => (performance.now() - started) / 1000;

/** `75.2` → `1 min 15 s`. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Numbered steps, each with the time that it took. */
export class Steps {
  constructor(count) {
    this.count = count;
    this.current = 0;
    this.times = [];
  }

  /**
   * Announces a step, does it and says how long it took.
   * @param {string} title
   * @param {() => Promise<T> | T} work
   * @template T
   * @returns {Promise<T>}
   */
  async do(title, work) {
    this.current += 1;
    const label = `[${this.current}/${this.count}]`;
    console.log(`\n${label} ${title}`);
    const start = performance.now();
    try {
      return await work();
    } finally {
      const seconds = (performance.now() - start) / 1000;
      this.times.push({ title, seconds });
      console.log(`${label} ${duration(seconds)}`);
    }
  }
}
