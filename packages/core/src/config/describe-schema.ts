import type { TSchema } from 'typebox';
import type { PathKind } from './schema-parts.js';

/** The keywords of JSON Schema that the configuration uses. */
interface Keywords {
  type?: string;
  enum?: readonly unknown[];
  properties?: Record<string, TSchema>;
  items?: TSchema | readonly TSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  default?: unknown;
  description?: string;
  published?: string;
  path?: PathKind;
}

/** The keywords of a schema, typed. */
export function keywordsOf(schema: TSchema): Keywords {
  return schema as Keywords;
}

/** Options of a group by name; none for what is not a group. */
export function propertiesOf(schema: TSchema): Record<string, TSchema> {
  return keywordsOf(schema).properties ?? {};
}

/** The schema at a path of names and list indices, or `undefined` where there is none. */
export function schemaAt(root: TSchema, path: readonly string[]): TSchema | undefined {
  let schema: TSchema | undefined = root;
  for (const name of path) {
    if (schema === undefined) return undefined;
    const { properties, items }: Keywords = keywordsOf(schema);
    if (properties !== undefined) schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    else
      schema = Array.isArray(items)
        ? (items as readonly TSchema[])[Number(name)]
        : (items as TSchema | undefined);
  }
  return schema;
}

/** What a schema accepts, in words: "an integer from 1 to 10", "one of constant, cosine". */
export function describeExpected(schema: TSchema): string {
  const { type, enum: words, items } = keywordsOf(schema);
  if (words !== undefined) return `one of ${words.join(', ')}`;
  switch (type) {
    case 'integer':
      return `an integer${describeBounds(schema)}`;
    case 'number':
      return `a number${describeBounds(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'text that is not empty';
    case 'array':
      if (Array.isArray(items))
        return `a list of ${items.length}: ${items.map(describeExpected).join(', then ')}`;
      return `a list, each entry ${describeExpected(items as TSchema)}`;
    default:
      return `a group with ${Object.keys(propertiesOf(schema)).join(', ')}`;
  }
}

function describeBounds(schema: TSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = keywordsOf(schema);
  const bounds = [
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    minimum === undefined
      ? ''
      : maximum === undefined
        ? `of at least ${minimum}`
        : `from ${minimum} to ${maximum}`,
    maximum === undefined || minimum !== undefined ? '' : `of at most ${maximum}`,
    exclusiveMaximum === undefined ? '' : `below ${exclusiveMaximum}`,
  ].filter((part) => part !== '');
  const range = bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
  return multipleOf === undefined ? range : `${range}, a multiple of ${multipleOf}`;
}
