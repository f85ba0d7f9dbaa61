import type { TensorEntry } from './golden.js';

/** How one output of a case compares with the stored one. */
export interface Comparison {
  readonly name: string;
  readonly maxAbs: number;
  /** Largest |a − b| / |b| where |b| is not tiny; for bf16 tensors ‖a − b‖ / ‖b‖. */
  readonly relative: number;
  readonly tolerance: string;
  /** Share of the tolerance that the worst value takes: more than 1 fails. */
  readonly used: number;
  readonly ok: boolean;
}

export type Tolerance = Pick<TensorEntry, 'rtol' | 'atol' | 'rel_l2' | 'max_difference' | 'min_psnr_db'>;

/** The verdict on values of another form than the stored ones. */
export function unlike(name: string, difference: string): Comparison {
  const none = Number.NaN;
  return { name, maxAbs: none, relative: none, tolerance: difference, used: none, ok: false };
}

/** Compares as the manifest asks: element by element, by relative L2 norm, by integer difference or by PSNR. */
export function compare(
  name: string,
  own: ArrayLike<number>,
  stored: ArrayLike<number>,
  entry: Tolerance,
): Comparison {
  if (own.length !== stored.length) {
    return unlike(name, `${stored.length} values, found ${own.length}`);
  }
  const { maxAbs, maxRelative, relativeL2, meanSquare } = distances(own, stored);
  // Written so that NaN fails.
  const verdict = (relative: number, tolerance: string, used: number): Comparison => ({
    ...{ name, maxAbs, relative, tolerance, used },
    ok: used <= 1,
  });
  if (entry.max_difference !== undefined)
    return verdict(maxRelative, `±${entry.max_difference}`, share(maxAbs, entry.max_difference));
  if (entry.min_psnr_db !== undefined) {
    const psnr = meanSquare === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(255 ** 2 / meanSquare);
    const tolerance = `PSNR ${psnr.toFixed(1)} >= ${entry.min_psnr_db} dB`;
    return verdict(relativeL2, tolerance, psnr > 0 ? entry.min_psnr_db / psnr : Number.POSITIVE_INFINITY);
  }
  if (entry.rel_l2 !== undefined)
    return verdict(relativeL2, `L2 <= ${entry.rel_l2}`, share(relativeL2, entry.rel_l2));
  const { rtol = 0, atol = 0 } = entry;
  const tolerance = rtol === 0 ? `${atol}` : `${atol} + ${rtol}|b|`;
  return verdict(maxRelative, tolerance, elementShare(own, stored, atol, rtol));
}

const share = (error: number, allowed: number) => (error === 0 ? 0 : error / allowed);

/** The largest |a − b| / (atol + rtol·|b|). */
function elementShare(own: ArrayLike<number>, stored: ArrayLike<number>, atol: number, rtol: number): number {
  let most = 0;
  for (let i = 0; i < own.length; i++) {
    const b = stored[i] as number;
    const used = share(Math.abs((own[i] as number) - b), atol + rtol * Math.abs(b));
    if (!(used <= most)) most = used;
    if (Number.isNaN(most)) return most;
  }
  return most;
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
    maxAbs = Math.max(maxAbs, difference);
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
