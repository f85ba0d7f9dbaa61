import { type TObject, type TProperties, type TSchema, Type } from '@fastify/type-provider-typebox';
import type { App } from '../routes/app.js';

/** An object with these properties and no others: what an answer has beyond its schema is an error of the tests. */
export const closed = <P extends TProperties>(properties: P): TObject<P> =>
  Type.Object(properties, { additionalProperties: false });

export const nullable = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()]);

export const choice = <const T extends readonly string[]>(...values: T) =>
  Type.Union(values.map((value) => Type.Literal(value as T[number])));

/** Seconds since 1970. */
export const Moment = Type.Integer({ minimum: 0 });

/** A list of everything there is. */
export const listing = (item: TSchema) => closed({ object: Type.Literal('list'), data: Type.Array(item) });

/** One page of a list. */
export const page = (item: TSchema) =>
  closed({
    object: Type.Literal('list'),
    data: Type.Array(item),
    has_more: Type.Boolean(),
    first_id: nullable(Type.String()),
    last_id: nullable(Type.String()),
  });

export const deleted = (object: string) =>
  closed({ id: Type.String(), object: Type.Literal(object), deleted: Type.Literal(true) });

/** Every error: OpenAI's shape. */
const Failure = Type.Object(
  {
    error: closed({
      message: Type.String(),
      type: choice(
        'invalid_request_error',
        'authentication_error',
        'not_found_error',
        'rate_limit_error',
        'server_error',
      ),
      param: nullable(Type.String()),
      code: nullable(Type.String()),
    }),
  },
  { $id: 'Failure', additionalProperties: false },
);

const FAILURES = {
  400: 'The request is wrong; `param` names the field.',
  401: 'A key is needed, or is none of this server.',
  404: 'What was named does not exist, or belongs to another key.',
  409: 'What is there stands against it.',
  413: 'More bytes than the server takes.',
  414: 'The address is longer than any there is.',
  415: 'Another content type was expected.',
  429: 'Too much at a time; `Retry-After` says when to come back.',
  503: 'What the server needs is away for a moment; nothing was changed.',
  504: 'The answer took longer than the server gives it.',
} as const;

type FailureStatus = keyof typeof FAILURES;

/** Statuses that any address may answer. */
const COMMON: readonly FailureStatus[] = [400, 401, 429, 503];
/** And those that take a body. */
const OF_BODIES: readonly FailureStatus[] = [413, 415];

/** The answers of a route: what it sends when it succeeds, and how it fails beyond what all do. */
export const answers = (success: TSchema | object, ...failures: FailureStatus[]) => ({
  200: success,
  ...described(failures),
});

/** A successful answer that is a file of one of these types. */
export const media = (description: string, ...types: string[]) => ({
  description,
  content: Object.fromEntries(types.map((type) => [type, { schema: fileSchema(type) }])),
});

function fileSchema(type: string): object {
  if (type === 'application/json') return {};
  return type.startsWith('text/') ? { type: 'string' } : { type: 'string', format: 'binary' };
}

/** A successful answer that is JSON, or server-sent events when the client asks for them: each has an `event` as its data. */
export const orStream = (description: string, whole: TSchema, event: TSchema) => ({
  description,
  content: { 'application/json': { schema: whole }, 'text/event-stream': { schema: event } },
});

const described = (statuses: readonly FailureStatus[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: FAILURES[status],
        content: { 'application/json': { schema: { $ref: 'Failure#' } } },
      },
    ]),
  );

/**
 * Adds to every documented route the failures that it shares with the others. Answers are sent as the routes make them: the
 * schemas describe, and the tests compare, so that nothing is left out silently.
 */
export function describeAnswers(app: App): void {
  app.addSchema(Failure);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.addHook('onRoute', ({ schema, method, url }) => {
    if (!schema?.response) return;
    const body = method === 'POST' || method === 'DELETE';
    const shared = [...COMMON, ...(body ? OF_BODIES : []), ...(url.includes(':') ? [414 as const] : [])];
    schema.response = { ...described(shared), ...schema.response };
  });
}
