import { ApiError } from './errors.js';

/** What a key may do; null for no limit. */
export interface Limits {
  readonly id: string;
  readonly requestsPerMinute: number | null;
  readonly concurrentRequests: number | null;
}

/** A request that was let in. `release` says that it is over. */
export interface Admission {
  readonly headers: Readonly<Record<string, string>>;
  release(): void;
}

interface Use {
  /** Requests that may come now; refilled with the minute's share. */
  tokens: number;
  refilled: number;
  running: number;
}

/**
 * Counts the requests of each key: a token bucket for requests per minute, and how many run at once. The counts are those
 * of this process; several servers each grant the whole limit.
 */
export class KeyLimits {
  private readonly uses = new Map<string, Use>();

  /** @param now seconds */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {}

  /** @throws ApiError 429 with `Retry-After` */
  admit(key: Limits): Admission {
    const { requestsPerMinute: perMinute, concurrentRequests: most } = key;
    const use = this.refill(key);
    if (most !== null && use.running >= most) {
      throw tooMany(`This API key may have ${most} requests at once.`, 'concurrency_limit_exceeded', 1);
    }
    if (perMinute !== null) {
      if (use.tokens < 1) {
        const wait = Math.ceil(((1 - use.tokens) * 60) / perMinute);
        throw tooMany(`This API key may make ${perMinute} requests a minute.`, 'rate_limit_exceeded', wait);
      }
      use.tokens -= 1;
    }
    use.running += 1;
    let over = false;
    const release = (): void => {
      if (!over) use.running -= 1;
      over = true;
    };
    return { headers: perMinute === null ? {} : rateHeaders(perMinute, use.tokens), release };
  }

  private refill({ id, requestsPerMinute: perMinute }: Limits): Use {
    const now = this.now();
    const use = this.uses.get(id) ?? { tokens: perMinute ?? 0, refilled: now, running: 0 };
    this.uses.set(id, use);
    if (perMinute !== null) {
      use.tokens = Math.min(perMinute, use.tokens + ((now - use.refilled) * perMinute) / 60);
    }
    use.refilled = now;
    return use;
  }
}

/** What OpenAI's clients read: the limit, what is left of it, and when it is whole again. */
export const RATE_HEADERS = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
] as const;

function rateHeaders(perMinute: number, tokens: number): Record<string, string> {
  const reset = `${Math.ceil(((perMinute - tokens) * 60) / perMinute)}s`;
  const values = [String(perMinute), String(Math.floor(tokens)), reset];
  return Object.fromEntries(RATE_HEADERS.map((name, index) => [name, values[index]!]));
}

const tooMany = (message: string, code: string, retryAfter: number): ApiError =>
  new ApiError(429, 'rate_limit_error', `${message} Try again in ${retryAfter} s.`, { code, retryAfter });
