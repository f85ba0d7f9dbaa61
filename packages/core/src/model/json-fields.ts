import { readFileSync } from 'node:fs';

/** Raised when a model configuration file lacks a field, or holds a value that this architecture cannot use. */
export class ModelConfigError extends Error {
  override name = 'ModelConfigError';
}

/** A JSON object whose fields are taken out one by one, with errors that name the file and the field. */
export class JsonFields {
  readonly #values: Record<string, unknown>;
  readonly #where: string;
  readonly #taken = new Set<string>();

  constructor(values: unknown, where: string) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new ModelConfigError(`${where}: expected a JSON object, found ${JSON.stringify(values)}`);
    }
    this.#values = values as Record<string, unknown>;
    this.#where = where;
  }

  static fromFile(path: string): JsonFields {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw new ModelConfigError(`${path}: cannot be read (${(error as Error).message})`, { cause: error });
    }
    try {
      return new JsonFields(JSON.parse(text), path);
    } catch (error) {
      if (error instanceof ModelConfigError) throw error;
      throw new ModelConfigError(`${path}: is not valid JSON (${(error as Error).message})`, {
        cause: error,
      });
    }
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  #take(name: string): unknown {
    this.#taken.add(name);
    return this.#values[name];
  }

  #fail(name: string, expected: string): never {
    const found = name in this.#values ? JSON.stringify(this.#values[name]) : 'nothing';
    throw new ModelConfigError(`${this.#where}: field "${name}": expected ${expected}, found ${found}`);
  }

  /** A positive whole number. Without `fallback` the field is required. */
  count(name: string, fallback?: number): number {
    const value = this.#take(name);
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
      return this.#fail(name, 'a positive whole number');
    }
    return value;
  }

  /** A finite number. Without `fallback` the field is required. */
  number(name: string, fallback?: number): number {
    const value = this.#take(name);
    if (value === undefined && fallback !== undefined) return fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) return this.#fail(name, 'a number');
    return value;
  }

  /** A list of positive whole numbers. Without `fallback` the field is required. */
  counts(name: string, fallback?: readonly number[]): readonly number[] {
    const value = this.#take(name);
    if (value === undefined && fallback !== undefined) return fallback;
    const ok = Array.isArray(value) && value.length > 0 && value.every((v) => Number.isInteger(v) && v > 0);
    if (!ok) return this.#fail(name, 'a list of positive whole numbers');
    return value as number[];
  }

  /** A nested object, or an empty one when the field is absent. */
  object(name: string): JsonFields {
    return new JsonFields(this.#take(name) ?? {}, `${this.#where}: ${name}`);
  }

  /** Accepts an absent (or null) field or one of `allowed`; anything else is a feature that this model lacks. */
  mustBe(name: string, allowed: readonly unknown[]): void {
    const value = this.#take(name);
    if (value === undefined || value === null || allowed.includes(value)) return;
    this.#fail(name, allowed.map((v) => JSON.stringify(v)).join(' or '));
  }

  /** Does the field hold exactly this value? */
  is(name: string, value: unknown): boolean {
    return this.#take(name) === value;
  }

  /** Fails on fields that nobody asked for: a misspelt override must not be ignored. */
  finish(): void {
    const unknown = Object.keys(this.#values).filter((name) => !this.#taken.has(name));
    if (unknown.length > 0) {
      throw new ModelConfigError(
        `${this.#where}: unknown field ${unknown.map((n) => `"${n}"`).join(', ')}; known fields are ` +
          [...this.#taken].map((n) => `"${n}"`).join(', '),
      );
    }
  }
}
