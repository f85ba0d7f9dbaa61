import { ApiError } from './errors.js';

interface Waiting {
  start(): void;
}

/**
 * Lets one generation run at a time, in order of arrival, and keeps at most `limit` more waiting.
 * The model uses all cores for one request, so running two at once would only make both late.
 */
export class GenerationQueue {
  private readonly waiting: Waiting[] = [];
  private busy = false;
  private typicalSeconds = 2;

  constructor(
    private readonly limit: number,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** Requests that run or wait. */
  get length(): number {
    return this.waiting.length + (this.busy ? 1 : 0);
  }

  /** True when another request would be refused. */
  get full(): boolean {
    return this.busy && this.waiting.length >= this.limit;
  }

  /**
   * Runs `work` when its turn comes.
   * @throws ApiError 429 with the estimated waiting time when the queue is full.
   * @throws the signal's reason when the client leaves while waiting; the work is then never started.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.turn(signal);
    const started = this.now();
    try {
      return await work();
    } finally {
      this.typicalSeconds += 0.3 * (this.now() - started - this.typicalSeconds);
      this.next();
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.busy) {
      this.busy = true;
      return Promise.resolve();
    }
    if (this.full) {
      const retryAfter = Math.max(1, Math.ceil(this.typicalSeconds * this.length));
      throw new ApiError(
        429,
        'rate_limit_error',
        `${this.length} requests are already running or waiting; try again in ${retryAfter} s.`,
        { code: 'queue_full', retryAfter },
      );
    }
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(entry);
    });
  }

  private next(): void {
    const entry = this.waiting.shift();
    if (entry) entry.start();
    else this.busy = false;
  }
}
