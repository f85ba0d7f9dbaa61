/** Requests to the server with the key that it wants; whatever goes wrong is a {@link RequestError}. */

/** The server's own words about what went wrong; `status` 401 means that it wants a key, 0 that it cannot be reached. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** OpenAI's error code, for example `unknown_url`. */
    readonly code: string | null = null,
    /** The field of the request that the error is about. */
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

const KEY = 'unicharacter.api-key';

export function apiKey(): string {
  return localStorage.getItem(KEY) ?? '';
}

export function setApiKey(key: string): void {
  localStorage.setItem(KEY, key);
}

interface ErrorBody {
  error?: { message?: string; code?: string | null; param?: string | null };
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const key = apiKey();
  const headers = new Headers(init.headers);
  if (key !== '') headers.set('authorization', `Bearer ${key}`);
  const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new RequestError('The server cannot be reached. Is it still running?', 0);
  });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as ErrorBody;
  throw new RequestError(
    error?.message ?? `The server answered ${response.status}.`,
    response.status,
    error?.code,
    error?.param,
  );
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, signal ? { signal } : {})).json()) as T;
}

export function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

export async function postJson<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  return (await (await post(path, body, signal)).json()) as T;
}

/** What went wrong, in words. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
