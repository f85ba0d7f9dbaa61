import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

export interface Vendi {
  /** Effective number of different items, in [1, n]. */
  readonly score: number;
  /** [n], largest first, at least 0, their sum is 1 */
  readonly eigenvalues: Float64Array;
}

/**
 * Vendi score (Friedman & Dieng 2023): `exp(−Σ λ ln λ)` over the eigenvalues λ of the cosine similarities of `rows`,
 * normalised to sum 1. Computed in float64 with eigenvalues clipped at 0: rounding makes them slightly negative when
 * there are more rows than dimensions, which gives NaN in a float32 formula.
 *
 * @param rows unit vectors, row-major [count, width]
 * @throws Error when there are no rows
 */
export function vendi(rows: ArrayLike<number>, count: number): Vendi {
  if (count < 1 || rows.length % count !== 0) {
    throw new Error(`vendi: expected ${count} rows of one width, at least one, found ${rows.length} values`);
  }
  const raw = symmetricEigenvalues(similarities(rows, count), count).map((value) => Math.max(value, 0));
  const sum = raw.reduce((total, value) => total + value, 0);
  const eigenvalues = raw.map((value) => value / sum);
  const entropy = eigenvalues.reduce((total, value) => total - (value > 0 ? value * Math.log(value) : 0), 0);
  return { score: Math.exp(entropy), eigenvalues };
}

function similarities(rows: ArrayLike<number>, count: number): Float64Array {
  const width = rows.length / count;
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += rows[i * width + k]! * rows[j * width + k]!;
      gram[i * count + j] = dot;
      gram[j * count + i] = dot;
    }
  }
  return gram;
}
