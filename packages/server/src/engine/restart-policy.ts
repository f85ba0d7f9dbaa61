/** When a process that crashes is started again. Times are milliseconds. */
export interface RestartLimits {
  /** Pause after the first crash; it doubles with each further one within the window. */
  readonly first: number;
  readonly longest: number;
  /** Crashes within the window after which it is not started any more. */
  readonly crashes: number;
  readonly window: number;
}

const DEFAULTS: RestartLimits = { first: 100, longest: 10_000, crashes: 5, window: 60_000 };

/** Decides after each crash whether there is a next start, and when. */
export class RestartPolicy {
  readonly limits: RestartLimits;
  #recent: number[] = [];

  /** @param now milliseconds */
  constructor(
    limits: Partial<RestartLimits> = {},
    private readonly now: () => number = () => performance.now(),
  ) {
    this.limits = { ...DEFAULTS, ...limits };
  }

  /** Notes a crash. @returns milliseconds until the next start; null when there were too many */
  crashed(): number | null {
    const { first, longest, crashes, window } = this.limits;
    const now = this.now();
    this.#recent = [...this.#recent.filter((time) => now - time < window), now];
    const count = this.#recent.length;
    return count >= crashes ? null : Math.min(longest, first * 2 ** (count - 1));
  }
}
