import type { TensorEntry } from './golden.js';

/** How one output of a case compares with the stored one. */
export interface Comparison {
  readonly name: string;
  readonly maxAbs: number;
  /** Largest |a − b| / |b| where |b| is not tiny; for bf16 tensors ‖a − b‖ / ‖b‖. */
  readonly relative: number;
  readonly tolerance: string;
  readonly ok: boolean;
}

export type Tolerance = Pick<TensorEntry, 'rtol' | 'atol' | 'rel_l2' | 'max_difference' | 'min_psnr_db'>;

/** Compares as the manifest asks: element by element, by relative L2 norm, by integer difference or by PSNR. */
export function compare(
  name: string,
  own: ArrayLike<number>,
  stored: ArrayLike<number>,
  entry: Tolerance,
): Comparison {
  if (own.length !== stored.length) {
    const tolerance = `${stored.length} values, found ${own.length}`;
    return { name, maxAbs: Number.NaN, relative: Number.NaN, tolerance, ok: false };
  }
  const { maxAbs, maxRelative, relativeL2, meanSquare } = distances(own, stored);
  if (entry.max_difference !== undefined) {
    const ok = maxAbs <= entry.max_difference;
    return { name, maxAbs, relative: maxRelative, tolerance: `±${entry.max_difference}`, ok };
  }
  if (entry.min_psnr_db !== undefined) {
    const psnr = meanSquare === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(255 ** 2 / meanSquare);
    const tolerance = `PSNR ${psnr.toFixed(1)} >= ${entry.min_psnr_db} dB`;
    return { name, maxAbs, relative: relativeL2, tolerance, ok: psnr >= entry.min_psnr_db };
  }
  if (entry.rel_l2 !== undefined) {
    const ok = relativeL2 <= entry.rel_l2;
    return { name, maxAbs, relative: relativeL2, tolerance: `L2 <= ${entry.rel_l2}`, ok };
  }
  const { rtol = 0, atol = 0 } = entry;
  const tolerance = rtol === 0 ? `${atol}` : `${atol} + ${rtol}|b|`;
  return { name, maxAbs, relative: maxRelative, tolerance, ok: within(own, stored, atol, rtol) };
}

function within(own: ArrayLike<number>, stored: ArrayLike<number>, atol: number, rtol: number): boolean {
  for (let i = 0; i < own.length; i++) {
    const b = stored[i] as number;
    // Written so that NaN fails.
    if (!(Math.abs((own[i] as number) - b) <= atol + rtol * Math.abs(b))) return false;
  }
  return true;
}

function distances(own: ArrayLike<number>, stored: ArrayLike<number>) {
  let maxAbs = 0;
  let maxRelative = 0;
  let squares = 0;
  let norm = 0;
  let largest = 0;
  for (let i = 0; i < stored.length; i++) largest = Math.max(largest, Math.abs(stored[i] as number));
  for (let i = 0; i < stored.length; i++) {
    const b = stored[i] as number;
    const difference = Math.abs((own[i] as number) - b);
    if (!(difference <= maxAbs)) maxAbs = difference;
    if (Math.abs(b) > 1e-3 * largest) maxRelative = Math.max(maxRelative, difference / Math.abs(b));
    squares += difference ** 2;
    norm += b ** 2;
  }
  return {
    maxAbs,
    maxRelative,
    relativeL2: Math.sqrt(norm > 0 ? squares / norm : squares),
    meanSquare: squares / Math.max(1, stored.length),
  };
}
