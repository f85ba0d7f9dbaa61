import Type, { type TProperties } from 'typebox';

/** What an option says about itself beside its type: its value in the paper's recipe, where there is one. */
export interface OptionNotes {
  published?: string;
}

interface Bounds extends OptionNotes {
  minimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
}

/** A group of options that knows no others. Absent groups are filled with their defaults. */
export function group<Properties extends TProperties>(description: string, properties: Properties) {
  return Type.Object(properties, { additionalProperties: false, default: {}, description });
}

export function integer(byDefault: number, description: string, bounds: Bounds = {}) {
  return Type.Integer({ default: byDefault, description, ...bounds });
}

export function number(byDefault: number, description: string, bounds: Bounds = {}) {
  return Type.Number({ default: byDefault, description, ...bounds });
}

/** A number above 0. */
export function positive(byDefault: number, description: string, bounds: Bounds = {}) {
  return Type.Number({ default: byDefault, description, exclusiveMinimum: 0, ...bounds });
}

/** A number from 0 to 1. */
export function fraction(byDefault: number, description = '', notes: OptionNotes = {}) {
  return Type.Number({ default: byDefault, description, minimum: 0, maximum: 1, ...notes });
}

/** One of several words. */
export function oneOf<Words extends string[]>(
  words: readonly [...Words],
  byDefault: Words[number],
  description: string,
  notes: OptionNotes = {},
) {
  return Type.Enum(words, { default: byDefault, description, ...notes });
}

/** Text that is not empty; without a default it has to be given. */
export function text(description: string, byDefault?: string) {
  return Type.String({
    minLength: 1,
    description,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
}

/** A list of texts. */
export function texts(description: string) {
  return Type.Array(Type.String({ minLength: 1 }), { description });
}

/** What lies at a path: data and runs of the user, or a model, which may have come with the installation. */
export type PathKind = 'data' | 'model';

/** A place in the file system; see `mapPaths`. */
export function path(kind: PathKind, description: string, byDefault?: string) {
  return Type.String({
    minLength: 1,
    description,
    path: kind,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
}

/** A list of places in the file system. */
export function paths(kind: PathKind, description: string) {
  return Type.Array(Type.String({ minLength: 1, path: kind }), { description });
}
