import { ApiError } from './errors.js';

interface Waiting {
  readonly model: string;
  start(): void;
}

export interface QueueLimits {
  /** Requests that may wait. */
  waiting: number;
  /** Requests to one model that are worked on at the same time: the engine decodes their texts in one pass. */
  running: number;
}

/**
 * Starts generations in order of arrival. Requests to one model run together, up to a limit; a request to another model
 * waits until they are done, because the weights of one model are in memory, and those that come after it wait too.
 */
export class GenerationQueue {
  private readonly waiting: Waiting[] = [];
  private model: string | undefined;
  private active = 0;
  private typicalSeconds = 2;

  constructor(
    private readonly limits: QueueLimits,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** Requests that are worked on. */
  get running(): number {
    return this.active;
  }

  /** Requests that run or wait. */
  get length(): number {
    return this.waiting.length + this.active;
  }

  /** True when another request would be refused. */
  get full(): boolean {
    return this.active > 0 && this.waiting.length >= this.limits.waiting && !this.free;
  }

  /**
   * Runs `work` when its turn comes.
   * @param model the work of one model at a time runs
   * @throws ApiError 429 with the estimated waiting time when the queue is full.
   * @throws the signal's reason when the client leaves while waiting; the work is then never started.
   */
  async run<T>(signal: AbortSignal, model: string, work: () => Promise<T>): Promise<T> {
    await this.turn(signal, model);
    const started = this.now();
    try {
      return await work();
    } finally {
      this.typicalSeconds += 0.3 * (this.now() - started - this.typicalSeconds);
      this.active -= 1;
      this.startWaiting();
    }
  }

  /** True when one more request to the running model could start at once. */
  private get free(): boolean {
    return this.waiting.length === 0 && this.active < this.limits.running;
  }

  private turn(signal: AbortSignal, model: string): Promise<void> {
    signal.throwIfAborted();
    if (this.waiting.length === 0 && this.mayStart(model)) {
      this.begin(model);
      return Promise.resolve();
    }
    if (this.waiting.length >= this.limits.waiting) throw this.refusal();
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        model,
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
        // Whoever stood behind may be able to start now.
        this.startWaiting();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(entry);
    });
  }

  private mayStart(model: string): boolean {
    return this.active === 0 || (model === this.model && this.active < this.limits.running);
  }

  private begin(model: string): void {
    this.model = model;
    this.active += 1;
  }

  private startWaiting(): void {
    for (let [first] = this.waiting; first && this.mayStart(first.model); [first] = this.waiting) {
      this.waiting.shift();
      this.begin(first.model);
      first.start();
    }
  }

  private refusal(): ApiError {
    const retryAfter = Math.max(1, Math.ceil((this.typicalSeconds * this.length) / this.limits.running));
    return new ApiError(
      429,
      'rate_limit_error',
      `${this.length} requests are already running or waiting; try again in ${retryAfter} s.`,
      { code: 'queue_full', retryAfter },
    );
  }
}
