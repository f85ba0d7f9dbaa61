import fc from 'fast-check';
import type { OpenApiDocument } from '../answer-check.js';
import { type JsonSchema, type Known, valuesOf } from './schema-arbitrary.js';
import { spoilt, WILD_TEXTS, wildValue } from './wild-values.js';

/** One address and method of the document. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonSchema }> };
}

/** A request as it goes over the line. */
export interface WireRequest {
  readonly method: string;
  /** With the query, percent-encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** The target is of the endpoint that it was made for, and not of whichever its damaged form leads to. */
  readonly onPath: boolean;
  /** Bytes of the body after which the client leaves. */
  readonly leavesAfter: number | undefined;
}

interface DocumentedOperation {
  parameters?: Endpoint['parameters'];
  requestBody?: Endpoint['requestBody'];
}

export function endpointsOf(document: OpenApiDocument): Endpoint[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const { parameters = [], requestBody } = operation as DocumentedOperation;
      return { method: method.toUpperCase(), path, parameters, ...(requestBody ? { requestBody } : {}) };
    }),
  );
}

interface Body {
  readonly type: string;
  readonly bytes: Buffer;
}

/** Requests to an endpoint: valid, nearly valid and wild ones. */
export function requestsTo(
  endpoint: Endpoint,
  known: Known,
  files: readonly Buffer[],
): fc.Arbitrary<WireRequest> {
  return fc
    .record({
      target: targetsOf(endpoint, known),
      body: bodiesOf(endpoint, known, files),
      headers: oddHeaders,
      leaves: fc.oneof(
        { arbitrary: fc.constant(undefined), weight: 60 },
        { arbitrary: fc.nat({ max: 2000 }), weight: 1 },
      ),
    })
    .map(({ target, body, headers, leaves }) => ({
      method: endpoint.method,
      ...target,
      headers: { ...(body ? { 'content-type': body.type } : {}), ...headers },
      body: body?.bytes,
      leavesAfter: leaves,
    }));
}

const oddHeaders = fc.oneof(
  { arbitrary: fc.constant<Record<string, string>>({}), weight: 20 },
  {
    arbitrary: fc.constantFrom<Record<string, string>>(
      { accept: 'text/event-stream' },
      { accept: 'text/event-stream', 'last-event-id': 'ftevent-1' },
      { 'last-event-id': '../../x', accept: 'text/event-stream' },
      { origin: 'https://evil.example' },
      { 'x-forwarded-host': 'evil.example' },
      { range: 'bytes=0-0' },
      { 'if-none-match': '*' },
      { 'content-encoding': 'gzip' },
      { cookie: 'a=b;'.repeat(200) },
    ),
    weight: 2,
  },
);

function targetsOf({ path, parameters }: Endpoint, known: Known) {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const fields = Object.fromEntries(
    inQuery.map(({ name, schema }) => [
      name,
      fc.oneof(
        valuesOf(schema, known, name).map(String),
        fc.constantFrom(...WILD_TEXTS).map((text) => text.slice(0, 500)),
      ),
    ]),
  );
  const query = fc.record({ ...fields, unknown: fc.string() }, { requiredKeys: [] }).map(encodeQuery);
  const segments = parameters
    .filter((parameter) => parameter.in === 'path')
    .map(({ name, schema }) =>
      fc
        .oneof(
          { arbitrary: valuesOf(schema, known, name).map(String), weight: 6 },
          { arbitrary: fc.constantFrom(...WILD_TEXTS).map((text) => text.slice(0, 1000)), weight: 1 },
        )
        .map((value) => [`{${name}}`, encode(value)] as const),
    );
  const onPath = fc.tuple(fc.tuple(...segments), query).map(([values, search]) => ({
    target: values.reduce((text, [name, value]) => text.replace(name, () => value), path) + search,
    // An empty or dotted segment is another address.
    onPath: values.every(([, value]) => value !== '' && !/^\.+$/.test(value)),
  }));
  const damaged = fc
    .tuple(
      onPath,
      fc.constantFrom('/../../../etc/passwd', '/%2e%2e/%2e%2e/x', '/%', '/%ff', '//', '/%00', '?%', '/.'),
      fc.nat(),
    )
    .map(([{ target }, damage, at]) => ({
      target: target.slice(0, 1 + (at % target.length)) + damage,
      onPath: false,
    }));
  return fc.oneof({ arbitrary: onPath, weight: 20 }, { arbitrary: damaged, weight: 1 });
}

const encodeQuery = (fields: object): string => {
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${encode(String(value))}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};

/** Percent-encoding that halves of characters survive, as U+FFFD. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

function bodiesOf(
  { requestBody, method }: Endpoint,
  known: Known,
  files: readonly Buffer[],
): fc.Arbitrary<Body | undefined> {
  if (method === 'GET') return fc.constant(undefined);
  const none = { arbitrary: fc.constant(undefined), weight: requestBody ? 1 : 10 };
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? ['application/json', { schema: {} }];
  const bodies =
    type === 'multipart/form-data' ? formsOf(media.schema, known, files) : jsonOf(media.schema, known);
  return fc.oneof({ arbitrary: bodies, weight: 16 }, { arbitrary: wrongTypes, weight: 1 }, none);
}

const json = (value: unknown): Body => ({
  type: 'application/json',
  bytes: Buffer.from(JSON.stringify(value) ?? 'undefined'),
});

function jsonOf(schema: JsonSchema, known: Known): fc.Arbitrary<Body> {
  const valid = valuesOf(schema, known);
  const choices = fc.array(fc.nat(), { minLength: 6, maxLength: 6 });
  const nearly = fc
    .tuple(valid, wildValue, choices)
    .map(([value, wild, places]) => spoilt(value, wild, places));
  const cut = fc.tuple(valid, fc.nat()).map(([value, at]) => {
    const { type, bytes } = json(value);
    return { type, bytes: bytes.subarray(0, at % Math.max(bytes.length, 1)) };
  });
  return fc.oneof(
    { arbitrary: valid.map(json), weight: 8 },
    { arbitrary: nearly.map(json), weight: 8 },
    { arbitrary: wildValue.map(json), weight: 2 },
    { arbitrary: cut, weight: 2 },
  );
}

const wrongTypes: fc.Arbitrary<Body> = fc
  .tuple(
    fc.constantFrom(
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'application/json;',
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary="a',
      'image/png',
      ';;;',
      '*/*',
    ),
    fc.oneof(
      fc.constant('{}'),
      fc.string({ unit: 'binary' }),
      fc.constant('{"__proto__":{"a":1},"constructor":{"prototype":{}}}'),
    ),
  )
  .map(([type, text]) => ({ type, bytes: Buffer.from(text) }));

const BOUNDARY = 'fuzz-boundary';

function formsOf(
  { properties = {} }: JsonSchema,
  known: Known,
  files: readonly Buffer[],
): fc.Arbitrary<Body> {
  const parts = Object.entries(properties).map(([name, schema]) => {
    const binary = (schema.items ?? schema).format === 'binary';
    const content = binary
      ? fc.constantFrom(...files)
      : fc
          .oneof({ arbitrary: valuesOf(schema, known, name), weight: 5 }, { arbitrary: wildValue, weight: 1 })
          .map((value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
    const filename = binary
      ? fc.constantFrom('a.png', '../../evil.zip', 'x\0.png', 'ü.charx', '')
      : fc.constant(undefined);
    return fc.tuple(fc.constant(name), content, filename);
  });
  const chosen = fc
    .tuple(...parts)
    .chain((all) => fc.shuffledSubarray(all, { minLength: Math.min(1, all.length) }));
  const form = fc
    .tuple(chosen, fc.integer({ min: 1, max: 30 }))
    .map(([some, times]) => (times > 28 ? Array(times).fill(some).flat() : some))
    .map((all) => Buffer.concat([...all.flatMap(partOf), Buffer.from(`--${BOUNDARY}--\r\n`)]));
  const type = `multipart/form-data; boundary=${BOUNDARY}`;
  return fc.oneof(
    { arbitrary: form.map((bytes) => ({ type, bytes })), weight: 8 },
    {
      arbitrary: fc
        .tuple(form, fc.nat())
        .map(([bytes, at]) => ({ type, bytes: bytes.subarray(0, at % bytes.length) })),
      weight: 2,
    },
    { arbitrary: form.map((bytes) => ({ type: 'multipart/form-data; boundary=other', bytes })), weight: 1 },
  );
}

const partOf = ([name, content, filename]: readonly [string, Buffer, string | undefined]): Buffer[] => [
  Buffer.from(
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`,
  ),
  content,
  Buffer.from('\r\n'),
];
