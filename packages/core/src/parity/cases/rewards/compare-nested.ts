import { type Comparison, compare, type Tolerance, unlike } from '../../compare.js';

type Leaf = readonly [path: string, value: unknown];

/**
 * Compares nested values: numbers within the tolerance, everything else (texts, null, which keys exist) exactly.
 * Typed arrays and arrays are the same thing here.
 */
export function compareNested(name: string, own: unknown, stored: unknown, tolerance: Tolerance): Comparison {
  const [ours, theirs] = [leaves(own), leaves(stored)];
  const difference = firstDifference(ours, theirs);
  if (difference !== null) return unlike(name, difference);
  const numbers = (of: readonly Leaf[]) =>
    of.flatMap(([, value]) => (typeof value === 'number' ? [value] : []));
  return compare(name, numbers(ours), numbers(theirs), tolerance);
}

function firstDifference(ours: readonly Leaf[], theirs: readonly Leaf[]): string | null {
  if (ours.length !== theirs.length) return `${theirs.length} values, found ${ours.length}`;
  for (const [i, [path, value]] of theirs.entries()) {
    const [ownPath, ownValue] = ours[i]!;
    const same = typeof value === 'number' ? typeof ownValue === 'number' : ownValue === value;
    if (ownPath !== path) return `${path}, found ${ownPath}`;
    if (!same) return `${path} ${JSON.stringify(value)}, found ${JSON.stringify(ownValue)}`;
  }
  return null;
}

function leaves(value: unknown, path = ''): Leaf[] {
  if (ArrayBuffer.isView(value)) return leaves(Array.from(value as Float32Array), path);
  if (typeof value !== 'object' || value === null) return [[path, value]];
  const entries = Object.entries(value);
  // The order of the keys of an object is no part of its value.
  if (!Array.isArray(value)) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.flatMap(([key, item]) => leaves(item, `${path}/${key}`));
}
