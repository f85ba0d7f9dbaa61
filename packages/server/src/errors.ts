import { ContextLengthError, isOutOfMemory } from '@unicharacter/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { databaseFailed } from './state/failures.js';

/** The `type` values of the OpenAI error object that this server uses. */
export type ApiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'not_found_error'
  | 'rate_limit_error'
  | 'server_error';

export interface ErrorBody {
  error: { message: string; type: ApiErrorType; param: string | null; code: string | null };
}

interface ErrorDetails {
  /** The request field the error is about, for example `messages[2].content`. */
  param?: string;
  code?: string;
  /** Seconds after which the same request may succeed; becomes the `Retry-After` header. */
  retryAfter?: number;
}

/** An error that the client is told about in OpenAI's shape. Everything else becomes a plain 500. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly param: string | null;
  readonly code: string | null;
  readonly retryAfter: number | undefined;

  constructor(
    readonly status: number,
    readonly type: ApiErrorType,
    message: string,
    { param, code, retryAfter }: ErrorDetails = {},
  ) {
    super(message);
    this.param = param ?? null;
    this.code = code ?? null;
    this.retryAfter = retryAfter;
  }

  body(): ErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

export const invalidRequest = (message: string, param?: string, code?: string): ApiError =>
  new ApiError(400, 'invalid_request_error', message, {
    ...(param === undefined ? {} : { param }),
    ...(code === undefined ? {} : { code }),
  });

/** What the client learns about `error`; details of unexpected errors stay in the server's log. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (databaseFailed(error)) return stateUnavailable();
  if (error instanceof ContextLengthError) return contextTooLong(error);
  if (isOutOfMemory(error)) return outOfMemory();
  if (!isFastifyError(error)) return unexpected();
  const issue = error.validation?.[0];
  if (issue) {
    const param = fieldPath(issue.instancePath, issue.params);
    const field = param || 'the request body';
    return invalidRequest(`${field}: ${issue.message ?? 'has the wrong form'}`, param || undefined);
  }
  switch (error.statusCode) {
    case 413:
      return new ApiError(
        413,
        'invalid_request_error',
        `${error.message}. Send smaller images or less text.`,
        {
          code: 'request_too_large',
        },
      );
    case 415:
      return new ApiError(
        415,
        'invalid_request_error',
        'Expected a JSON body with Content-Type: application/json.',
        {
          code: 'unsupported_media_type',
        },
      );
    default:
      if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
        return new ApiError(error.statusCode, 'invalid_request_error', error.message);
      }
      return unexpected();
  }
}

/** Fastify's error handler: every error leaves in OpenAI's shape. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const left = request.raw.destroyed && !request.raw.complete;
  const api = left ? clientLeft() : toApiError(error);
  if (api.status >= 500) request.log.error(error);
  if (api.retryAfter !== undefined) void reply.header('retry-after', String(api.retryAfter));
  if (api.status === 401) void reply.header('www-authenticate', 'Bearer');
  void reply.status(api.status).send(api.body());
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): void {
  const error = new ApiError(404, 'not_found_error', `Unknown address: ${request.method} ${request.url}`, {
    code: 'unknown_url',
  });
  void reply.status(error.status).send(error.body());
}

/** Nobody reads it; without it a line that the client broke would pass for a failure of the database. */
const clientLeft = (): ApiError =>
  new ApiError(400, 'invalid_request_error', 'The client left before it had sent the whole request.');

const unexpected = (): ApiError =>
  new ApiError(500, 'server_error', 'The server failed while working on the request; see its log.');

const contextTooLong = ({ message }: ContextLengthError): ApiError =>
  invalidRequest(
    `The conversation does not fit the model: ${message}.`,
    'messages',
    'context_length_exceeded',
  );

const outOfMemory = (): ApiError =>
  new ApiError(
    503,
    'server_error',
    'There was not enough memory for the request beside those that were running.',
    {
      code: 'out_of_memory',
      retryAfter: 5,
    },
  );

const stateUnavailable = (): ApiError =>
  new ApiError(503, 'server_error', 'The database cannot be reached; nothing was stored. Try again soon.', {
    code: 'state_unavailable',
    retryAfter: 5,
  });

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && 'statusCode' in error;
}

/** `/messages/2/content` and a missing property → `messages[2].content.text`. */
function fieldPath(instancePath: string, params: Record<string, unknown>): string {
  const missing = typeof params.missingProperty === 'string' ? `/${params.missingProperty}` : '';
  return (instancePath + missing)
    .split('/')
    .slice(1)
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}
