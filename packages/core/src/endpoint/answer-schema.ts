import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** Keywords that endpoints with structured output understand everywhere; bounds are checked here instead. */
const PORTABLE = new Set([
  'type',
  'properties',
  'required',
  'items',
  'enum',
  'const',
  'anyOf',
  'description',
]);

/**
 * The schema as it is sent: only keywords that every endpoint with strict structured output accepts, no further properties,
 * and all properties required.
 */
export function wireSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(wireSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([keyword]) => PORTABLE.has(keyword));
  const own = Object.fromEntries(
    kept.map(([keyword, value]) => [
      keyword,
      keyword === 'properties' ? properties(value) : wireSchema(value),
    ]),
  );
  return 'properties' in own ? { ...own, additionalProperties: false } : own;
}

const properties = (group: object) =>
  Object.fromEntries(Object.entries(group).map(([name, schema]) => [name, wireSchema(schema)]));

/** At most that many faults are named at once. */
const NAMED = 5;

/** Where a value leaves a schema, a line each; empty when it fits. */
export function answerProblems(schema: TSchema, value: unknown): string[] {
  if (Value.Check(schema, value)) return [];
  const errors = Value.Errors(schema, value).map(({ instancePath, message }) => {
    return `${instancePath || 'the answer'} ${message}`;
  });
  return [...new Set(errors)].slice(0, NAMED);
}
