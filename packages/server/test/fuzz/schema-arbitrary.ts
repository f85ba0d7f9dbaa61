import fc from 'fast-check';

/** The part of JSON Schema that the document uses. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  patternProperties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  maxProperties?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

/** Values that the server knows, by the name of the field or the pattern that they have. */
export interface Known {
  /** @returns undefined when none fits */
  pick(field: string, pattern: RegExp | undefined, choice: number): string | undefined;
}

/** Longest lists and texts of valid values: length is tried by the wild ones. */
const SOME = 4;

/** Valid values of a schema; `field` is the name under which it stands. */
export function valuesOf(schema: JsonSchema, known: Known, field = ''): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, known, field)));
  switch (schema.type) {
    case 'object':
      return objectsOf(schema, known);
    case 'array': {
      const { items = {}, minItems: minLength = 0, maxItems = SOME } = schema;
      return fc.array(valuesOf(items, known, field), {
        minLength,
        maxLength: Math.min(maxItems, minLength + SOME),
      });
    }
    case 'string':
      return textsOf(schema, known, field);
    case 'integer':
      return fc.integer(boundsOf(schema, 2 ** 31 - 1));
    case 'number':
      return fc.double({ ...boundsOf(schema, 1e6), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectsOf(schema: JsonSchema, known: Known): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], patternProperties = {} } = schema;
  const fields = Object.entries(properties).map(
    ([name, inner]) => [name, valuesOf(inner, known, name)] as const,
  );
  const declared = fc.record(Object.fromEntries(fields), { requiredKeys: required, noNullPrototype: true });
  const [other] = Object.values(patternProperties);
  if (!other) return declared;
  const extra = fc.dictionary(fc.string({ maxLength: 20 }), valuesOf(other, known), { maxKeys: SOME });
  return fc.tuple(extra, declared).map((parts) => Object.assign({}, ...parts));
}

function textsOf(schema: JsonSchema, known: Known, field: string): fc.Arbitrary<string> {
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern);
  const uuid = schema.format === 'uuid' ? /^[0-9a-f-]{36}$/ : undefined;
  const fresh = textFrom(schema, pattern);
  const chosen = fc
    .tuple(fc.nat(), fresh)
    .map(([choice, other]) => known.pick(field, uuid ?? pattern, choice) ?? other);
  return fc.oneof({ arbitrary: chosen, weight: 3 }, { arbitrary: fresh, weight: 1 });
}

function textFrom({ format, minLength = 0, maxLength = 200 }: JsonSchema, pattern: RegExp | undefined) {
  if (format === 'uuid') return fc.uuid();
  const text = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 200) });
  if (!pattern) return text;
  // A pattern that only forbids characters would be generated from at length.
  return pattern.source.startsWith('^[^')
    ? text.filter((value) => pattern.test(value))
    : fc.stringMatching(pattern);
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: JsonSchema, most: number) {
  return { min: minimum ?? exclusiveMinimum ?? -most, max: maximum ?? most };
}
