/** Reads JSON, JSON-lines and YAML files and checks their shape; every complaint names file, line and field. */

import { readFile } from 'node:fs/promises';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument } from 'yaml';
import type { Origin } from './character.js';
import { DataError } from './errors.js';
import { jsonErrorOffset, jsonOffsetOf, positionOf, type TextPosition } from './json-position.js';

/** A parsed value together with the way back to its place in the file. */
export interface Source {
  file: string;
  value: unknown;
  locate(pointer: string): TextPosition | undefined;
}

export async function readJson(file: string): Promise<Source> {
  const text = await readText(file);
  const value = parseJson(file, text, 1);
  return { file, value, locate: (pointer) => positionOf(text, jsonOffsetOf(text, pointer)) };
}

/** One source per non-blank line. */
export async function readJsonLines(file: string): Promise<Source[]> {
  const lines = (await readText(file)).split(/\r?\n/);
  return lines.flatMap((text, index) => {
    if (text.trim() === '') return [];
    const value = parseJson(file, text, index + 1);
    return [{ file, value, locate: () => ({ line: index + 1, column: 1 }) }];
  });
}

/** Scalars stay text (YAML's failsafe schema): `answer: 5` and `answer: yes` mean what they look like. */
export async function readYaml(file: string): Promise<Source> {
  const text = await readText(file);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, schema: 'failsafe' });
  const error = document.errors[0];
  if (error) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new DataError({
      file,
      line,
      column: col,
      expected: 'valid YAML',
      found: (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''),
      advice: 'correct the YAML syntax at this place',
    });
  }
  const locate = (pointer: string): TextPosition => {
    const keys = pointer.split('/').slice(1);
    for (; keys.length > 0; keys.pop()) {
      const node: unknown = document.getIn(keys, true);
      if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
        const { line, col } = lineCounter.linePos(Number(node.range[0]));
        return { line, column: col };
      }
    }
    return { line: 1, column: 1 };
  };
  return { file, value: document.toJS(), locate };
}

/** Text without a byte order mark. */
export async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError({
      file,
      expected: 'a readable file',
      found: reason,
      advice: 'check path and rights',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new DataError({
      file,
      expected: 'UTF-8 text',
      found: 'bytes that are not UTF-8',
      advice: 'save the file as UTF-8',
    });
  }
}

/**
 * The value of `source`, typed, after its shape has been checked.
 * @throws DataError that names the first place at which the shape is wrong
 */
export function checked<S extends TSchema>(schema: S, source: Source): Static<S> {
  if (Value.Check(schema, source.value)) return source.value;
  const errors = Value.Errors(schema, source.value);
  const path = errors[0]?.instancePath ?? '';
  const here = errors.filter((error) => error.instancePath === path);
  const found = at(source.value, path);
  throw problemAt(source, path, describeExpected(here), describeFound(here, found));
}

/** A complaint about one place of a source that passed its shape check. */
export function problemAt(
  source: Source,
  path: string,
  expected: string,
  found: string,
  advice = 'correct this value',
): DataError {
  return new DataError({ file: source.file, path, ...source.locate(path), expected, found, advice });
}

/** The place of a record, for later messages. */
export function originOf(source: Source, field: string): Origin {
  return { file: source.file, field };
}

function parseJson(file: string, text: string, firstLine: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const offset = jsonErrorOffset(text) ?? 0;
    const { line, column } = positionOf(text, offset);
    const rest = text.slice(offset, offset + 20).split('\n')[0] ?? '';
    throw new DataError({
      file,
      line: firstLine + line - 1,
      column,
      expected: 'valid JSON',
      found: offset >= text.length ? 'the end of the text' : JSON.stringify(rest),
      advice: 'correct the syntax here or just before (a missing comma, quote or bracket)',
    });
  }
}

function at(value: unknown, pointer: string): unknown {
  const keys = pointer.split('/').slice(1);
  return keys.reduce<unknown>((node, key) => {
    if (typeof node !== 'object' || node === null) return undefined;
    return Object.entries(node).find(
      ([name]) => name === key.replaceAll('~1', '/').replaceAll('~0', '~'),
    )?.[1];
  }, value);
}

interface ShapeError {
  keyword: string;
  params: object;
}

/** A failed union lists its branches first; together they are what was expected. */
function describeExpected(errors: ShapeError[]): string {
  const alternatives = errors.flatMap(({ params }) => {
    if ('type' in params) return [String(params.type)];
    return 'allowedValue' in params ? [JSON.stringify(params.allowedValue)] : [];
  });
  if (alternatives.length > 0) return alternatives.join(' or ');
  const { keyword, params } = errors[0] ?? { keyword: '', params: {} };
  if ('requiredProperties' in params) return `the field ${names(params.requiredProperties)}`;
  if (keyword === 'minItems' && 'limit' in params) return `at least ${String(params.limit)} entries`;
  if (keyword === 'minLength') return 'a text that is not empty';
  if (keyword === 'boolean') return 'nothing here (an unknown field, or one entry too many)';
  return 'a valid value';
}

function describeFound(errors: ShapeError[], found: unknown): string {
  const isObject = typeof found === 'object' && found !== null && !Array.isArray(found);
  if (errors[0]?.keyword === 'required' && isObject) {
    const keys = Object.keys(found);
    return keys.length === 0 ? 'an empty object' : `only ${names(keys)}`;
  }
  if (found === undefined) return 'nothing';
  if (found === null) return 'null';
  if (Array.isArray(found)) return `a list of ${found.length}`;
  if (isObject) return 'an object';
  if (typeof found !== 'string') return `the ${typeof found} ${String(found)}`;
  return `the string ${JSON.stringify(found.length > 40 ? `${found.slice(0, 40)}…` : found)}`;
}

function names(list: unknown): string {
  return Array.isArray(list) ? list.map((name) => `"${String(name)}"`).join(', ') : String(list);
}
