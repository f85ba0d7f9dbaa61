import type { TSchema } from 'typebox';
import { keywordsOf, propertiesOf } from './describe-schema.js';
import { type TrainConfig, TrainConfigSchema } from './schema.js';
import type { PathKind } from './schema-parts.js';

/** Dotted names of all options that are places in the file system, or lists of them. */
export const PATH_OPTIONS: ReadonlySet<string> = new Set(pathsBelow(TrainConfigSchema, ''));

/** The configuration with every path that it has changed. */
export function mapPaths(config: TrainConfig, change: (path: string, kind: PathKind) => string): TrainConfig {
  return mapped(TrainConfigSchema, config, change) as TrainConfig;
}

/** What the entries of a list are. */
function entryOf(schema: TSchema): TSchema | undefined {
  const { items } = keywordsOf(schema);
  return Array.isArray(items) ? undefined : (items as TSchema | undefined);
}

function pathsBelow(schema: TSchema, name: string): string[] {
  const entry = entryOf(schema);
  if (keywordsOf(schema).path ?? (entry && keywordsOf(entry).path)) return [name];
  return Object.entries(propertiesOf(schema)).flatMap(([key, inner]) =>
    pathsBelow(inner, name === '' ? key : `${name}.${key}`),
  );
}

function mapped(schema: TSchema, value: unknown, change: (path: string, kind: PathKind) => string): unknown {
  const { path } = keywordsOf(schema);
  if (path) return value === undefined ? value : change(value as string, path);
  const entry = entryOf(schema);
  if (entry && Array.isArray(value)) return value.map((one) => mapped(entry, one, change));
  const properties = Object.entries(propertiesOf(schema)).filter(([key]) => Object.hasOwn(value ?? {}, key));
  if (properties.length === 0) return value;
  const group = value as Record<string, unknown>;
  const inner = properties.map(([key, own]) => [key, mapped(own, group[key], change)] as const);
  return { ...group, ...Object.fromEntries(inner) };
}
