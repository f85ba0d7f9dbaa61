import { ApiError } from './errors.js';

/** Whose turn it is to be, and for what. */
export interface Place {
  /** Clients take turns: a stored key, or the address of whoever came without one. */
  readonly client: string;
  /** The work of one model at a time runs. */
  readonly model: string;
}

interface Waiting {
  readonly model: string;
  start(): void;
  refuse(error: Error): void;
}

export interface QueueLimits {
  /** Requests that may wait. */
  waiting: number;
  /** Requests to one model that are worked on at the same time: the engine decodes their texts in one pass. */
  running: number;
}

/**
 * Starts generations. Clients take turns, each with its requests in order of arrival, so that a long queue of one does not
 * hold up the others. Requests to one model run together, up to a limit; the weights of one model are in memory, so a
 * request to another one waits until they are done. While one waits for that, as many requests of the running model as may
 * run together go before it, and no more.
 */
export class GenerationQueue {
  /** The next in turn comes first. Clients without waiting requests are not in it. */
  private readonly clients = new Map<string, Waiting[]>();
  private model: string | undefined;
  private active = 0;
  /** Starts that are left to the running model before another one that waits has its turn. */
  private startsLeft = 0;
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
    return this.waiting + this.active;
  }

  /** True when another request would be refused. */
  get full(): boolean {
    return this.active >= this.limits.running && this.waiting >= this.limits.waiting;
  }

  /**
   * Runs `work` when its turn comes.
   * @throws ApiError 429 with the estimated waiting time when the queue is full, or when it is full later and nobody has
   *   more requests in it.
   * @throws the signal's reason when the client leaves while waiting; the work is then never started.
   */
  async run<T>(signal: AbortSignal, place: Place, work: () => Promise<T>): Promise<T> {
    await this.turn(signal, place);
    const started = this.now();
    try {
      return await work();
    } finally {
      this.typicalSeconds += 0.3 * (this.now() - started - this.typicalSeconds);
      this.active -= 1;
      this.startWaiting();
    }
  }

  private get waiting(): number {
    let sum = 0;
    for (const { length } of this.clients.values()) sum += length;
    return sum;
  }

  private turn(signal: AbortSignal, { client, model }: Place): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void) => () => {
        signal.removeEventListener('abort', leave);
        settle();
      };
      const entry: Waiting = {
        model,
        start: settled(resolve),
        refuse: (error) => settled(() => reject(error))(),
      };
      const leave = (): void => {
        this.remove(client, entry);
        reject(signal.reason as Error);
        // Whoever stood behind may be able to start now.
        this.startWaiting();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.clients.set(client, [...(this.clients.get(client) ?? []), entry]);
      this.startWaiting();
      if (this.waiting > this.limits.waiting) this.refuseOneOf(this.longestQueue(client));
    });
  }

  private startWaiting(): void {
    for (let next = this.next(); next; next = this.next()) {
      const { client, entry } = next;
      this.remove(client, entry);
      const rest = this.clients.get(client);
      // To the end of the round.
      if (rest && this.clients.delete(client)) this.clients.set(client, rest);
      if (this.active === 0) this.startsLeft = this.limits.running;
      this.model = entry.model;
      this.active += 1;
      this.startsLeft -= 1;
      entry.start();
    }
  }

  /** The request that may start now. */
  private next(): { client: string; entry: Waiting } | undefined {
    const { active, limits } = this;
    if (active >= limits.running) return undefined;
    const first = [...this.clients].map(([client, [entry]]) => ({ client, entry: entry as Waiting }));
    if (active === 0) return first[0];
    const [same, other] = [true, false].map((is) =>
      first.find(({ entry }) => (entry.model === this.model) === is),
    );
    return other && this.startsLeft <= 0 ? undefined : same;
  }

  /** The client with most requests waiting: the given one unless another has more. */
  private longestQueue(given: string): string {
    const waiting = (client: string): number => this.clients.get(client)?.length ?? 0;
    return [...this.clients.keys()].reduce(
      (most, client) => (waiting(client) > waiting(most) ? client : most),
      given,
    );
  }

  /** The newest request of a client goes away. */
  private refuseOneOf(client: string): void {
    const entry = this.clients.get(client)?.at(-1) as Waiting;
    this.remove(client, entry);
    entry.refuse(this.refusal());
  }

  private remove(client: string, entry: Waiting): void {
    const rest = this.clients.get(client)?.filter((other) => other !== entry) ?? [];
    if (rest.length > 0) this.clients.set(client, rest);
    else this.clients.delete(client);
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
