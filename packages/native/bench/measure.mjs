const LEAST_MS = 0.5;

/**
 * Times a function that has run before. Short calls are timed in batches, so that the clock does not count.
 * @param {() => unknown} once a promise is awaited
 * @param {number} budget milliseconds to spend
 * @returns {Promise<{median: number, min: number, repeats: number}>} milliseconds per call
 */
export async function measure(once, budget) {
  const first = await batch(once, 1);
  const calls = Math.max(1, Math.ceil(LEAST_MS / Math.max(first, 1e-4)));
  const times = calls === 1 ? [first] : [];
  const end = performance.now() + budget;
  while (times.length === 0 || performance.now() < end) times.push((await batch(once, calls)) / calls);
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], min: times[0], repeats: times.length * calls };
}

async function batch(once, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    const pending = once();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}
