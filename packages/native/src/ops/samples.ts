/** Views of a tensor as one row per sample, and numbers given per sample. */

/** `[T, C]` is one sample, `[B, ...]` of rank 3 or more are B samples. */
export function sampleRows(shape: readonly number[]): { samples: number; rows: number[] } {
  const size = shape.reduce((product, n) => product * n, 1);
  const samples = shape.length > 2 ? shape[0]! : 1;
  return { samples, rows: [samples, samples === 0 ? 0 : size / samples] };
}

/**
 * One number per sample from a number for all or a list.
 * @throws Error when the list has another length or a number is negative or not finite
 */
export function perSample(
  op: string,
  name: string,
  value: number | readonly number[],
  samples: number,
): number[] {
  const list = typeof value === 'number' ? new Array<number>(samples).fill(value) : [...value];
  if (list.length !== samples || !list.every((x) => x >= 0 && Number.isFinite(x))) {
    throw new Error(
      `${op}: expected ${name} to be a number >= 0, or ${samples} of them (one per sample), found [${list}]`,
    );
  }
  return list;
}
