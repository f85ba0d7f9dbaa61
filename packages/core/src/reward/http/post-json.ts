import { parseRetryAfter } from './retry-delay.js';

/** A request that failed. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';

  constructor(
    message: string,
    /** Whether the same request may succeed later: network, time-out, overload, a fault of the server. */
    readonly temporary: boolean,
    /** What the service asked to wait, in milliseconds. */
    readonly retryAfterMs: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const TEMPORARY_STATUS = new Set([408, 425, 429]);

/** Characters of a response that are repeated in messages. */
const EXCERPT = 200;

/**
 * Posts JSON and reads JSON. Redirects are not followed: a score must come from where the configuration says.
 *
 * @throws RequestFailure saying whether to try again
 */
export async function postJson(
  url: string,
  body: string,
  { timeoutMs, headers }: { timeoutMs: number; headers: Readonly<Record<string, string>> },
): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (cause) {
    throw new RequestFailure(describe(cause, timeoutMs), true, null, { cause });
  }
  if (!response.ok) {
    const temporary = response.status >= 500 || TEMPORARY_STATUS.has(response.status);
    const message = `status ${response.status}: ${text.slice(0, EXCERPT)}`;
    throw new RequestFailure(message, temporary, parseRetryAfter(response.headers.get('retry-after')));
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestFailure(`expected JSON, found ${JSON.stringify(text.slice(0, EXCERPT))}`, false, null, {
      cause,
    });
  }
}

function describe(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || String(cause) : String(cause);
}
