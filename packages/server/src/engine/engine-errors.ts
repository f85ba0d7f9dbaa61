import { ApiError } from '../errors.js';

/** The process ended while it worked on a request. */
export const engineEnded = (how: string): ApiError =>
  unavailable(`The engine ended while it worked on the request (${how}) and is started again`);

/** The process is ended because the server is. */
export const engineClosing = (): ApiError => unavailable('The server is closing');

/** The process crashed so often that it stays down. */
export const engineFailed = (crashes: number, seconds: number, last: string | null): ApiError =>
  new ApiError(
    503,
    'server_error',
    `The engine crashed ${crashes} times within ${seconds} s (last: ${last}) and is not started again. ` +
      'The log of the server says more; it works again after a restart.',
    { code: 'engine_failed' },
  );

const unavailable = (what: string): ApiError =>
  new ApiError(503, 'server_error', `${what}. Send the request again.`, {
    code: 'engine_unavailable',
    retryAfter: 2,
  });
