/** How long to wait between attempts. */
export interface Backoff {
  /** Before the second attempt; doubled for each further one. */
  readonly firstMs: number;
  /** Longest wait, also when the service asks for more. */
  readonly longestMs: number;
}

/**
 * Milliseconds before attempt `attempt + 1` (attempts count from 1): exponential with half of it random, so that clients
 * do not return all at once, and at least what the service asked for. `null` when it asks for more than `longestMs`.
 *
 * @param retryAfterMs what the service asked for, or `null`
 */
export function retryDelay(
  attempt: number,
  { firstMs, longestMs }: Backoff,
  retryAfterMs: number | null,
  random: () => number = Math.random,
): number | null {
  if (retryAfterMs !== null && retryAfterMs > longestMs) return null;
  const exponential = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
  return Math.max(exponential * (0.5 + 0.5 * random()), retryAfterMs ?? 0);
}

/** Milliseconds that a `Retry-After` header asks for, in seconds or as a date; `null` for none or an unreadable one. */
export function parseRetryAfter(header: string | null, now: number = Date.now()): number | null {
  if (header === null) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
