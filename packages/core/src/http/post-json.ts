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
    options: ErrorOptions & { status?: number } = {},
  ) {
    super(message, options);
    this.status = options.status;
  }

  /** Status of the response, where there was one. */
  readonly status: number | undefined;
}

/** How long a request may take, and what goes with it. */
export interface RequestLimits {
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const TEMPORARY_STATUS = new Set([408, 425, 429]);

/** Characters of a response that are repeated in messages. */
const EXCERPT = 200;

/**
 * Posts JSON and reads JSON. Redirects are not followed: an answer must come from where the configuration says.
 *
 * @throws RequestFailure saying whether to try again; the reason of the signal when that is aborted
 */
export async function postJson(
  url: string,
  body: string,
  { timeoutMs, headers, signal }: RequestLimits,
): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
    });
    text = await response.text();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new RequestFailure(describe(cause, timeoutMs), true, null, { cause });
  }
  const { ok, status } = response;
  if (!ok) {
    const message = `status ${status}: ${text.slice(0, EXCERPT)}`;
    const temporary = status >= 500 || TEMPORARY_STATUS.has(status);
    throw new RequestFailure(message, temporary, parseRetryAfter(response.headers.get('retry-after')), {
      status,
    });
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
