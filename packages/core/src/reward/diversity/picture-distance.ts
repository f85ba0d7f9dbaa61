import type { RgbImage } from '../../image/index.js';
import type { PictureFeatures } from '../similarity/picture-features.js';
import { dot } from '../tensor-rows.js';
import type { LpipsModel } from '../towers/lpips/lpips-model.js';

/** Says how different pictures look. */
export interface PictureDistance {
  /** What produced the numbers. JSON values only. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** Distances of every picture to every other, [n, n] row-major, symmetric, at least 0. */
  distances(images: readonly RgbImage[]): Float64Array;
  dispose(): void;
}

/** Learned perceptual distance. Takes over the model and disposes it. */
export function lpipsDistance(lpips: LpipsModel): PictureDistance {
  return {
    provenance: { tower: 'LPIPS AlexNet', weights: lpips.sha256 },
    distances: (images) => lpips.distances(images).total,
    dispose: () => lpips.dispose(),
  };
}

/** Cosine distance `1 − cos` of features. Takes over the features and disposes them. */
export function featureDistance(features: PictureFeatures): PictureDistance {
  return {
    provenance: { ...features.provenance, distance: '1 - cosine' },
    distances(images) {
      const rows = features.embed(images);
      const n = rows.length;
      return Float64Array.from({ length: n * n }, (_, at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return i === j ? 0 : Math.max(0, 1 - dot(rows[i]!, rows[j]!));
      });
    },
    dispose: () => features.dispose(),
  };
}
