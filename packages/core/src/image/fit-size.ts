import { ImageError } from './image-error.js';

/** Bounds of a resize: sides in pixels, `stride` the multiple they snap to, `maxPixels` for all images of a sample. */
export interface ResizeRule {
  readonly maxSize: number;
  readonly minSize: number;
  readonly stride: number;
  readonly maxPixels: number;
}

/** The rules the published weights were trained and are run with (spec 3.2). */
export const PUBLISHED_RESIZE_RULES = {
  /** VAE images, in training and inference. */
  vae: { maxSize: 1024, minSize: 512, stride: 16, maxPixels: 1_806_336 },
  /** ViT images in training. */
  vitTraining: { maxSize: 980, minSize: 378, stride: 14, maxPixels: 2_007_040 },
  /** ViT images at inference. */
  vitInference: { maxSize: 980, minSize: 224, stride: 14, maxPixels: 1_806_336 },
} as const satisfies Record<string, ResizeRule>;

/**
 * `reference` repeats the reference code: an image above `maxPixels` is scaled by the *area* ratio, which makes it much
 * smaller than asked for. `default` scales by its square root and snaps downwards, so that the bound is met tightly.
 * Both agree for every image below the bound.
 */
export type FitCompat = 'default' | 'reference';

/**
 * Size to which an image is resized: within the sides of the rule, proportions kept up to the stride (spec 3.2).
 *
 * @param imageCount images in the sample, which share `maxPixels`
 */
export function fitSize(
  width: number,
  height: number,
  rule: ResizeRule,
  imageCount = 1,
  compat: FitCompat = 'default',
): { width: number; height: number } {
  if (!(width >= 1 && height >= 1))
    throw new ImageError(`expected a size of at least 1x1, found ${width}x${height}`);
  const { maxSize, minSize, stride, maxPixels } = rule;
  const scaled = (w: number, h: number, scale: number, snap = snapToNearest): [number, number] => [
    snap(w * scale, stride),
    snap(h * scale, stride),
  ];
  const scale = Math.max(Math.min(maxSize / Math.max(width, height), 1), minSize / Math.min(width, height));
  let [w, h] = scaled(width, height, scale);
  const budget = maxPixels / imageCount;
  if (w * h > budget) {
    const ratio = budget / (w * h);
    [w, h] = compat === 'reference' ? scaled(w, h, ratio) : scaled(w, h, Math.sqrt(ratio), snapDown);
  }
  if (Math.max(w, h) > maxSize) [w, h] = scaled(w, h, maxSize / Math.max(w, h));
  return { width: w, height: h };
}

function snapToNearest(side: number, stride: number): number {
  return Math.max(stride, roundHalfToEven(roundHalfToEven(side) / stride) * stride);
}

function snapDown(side: number, stride: number): number {
  return Math.max(stride, Math.floor(side / stride) * stride);
}

/** Rounds to the nearest integer, ties to the even one (Python's `round`). */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
