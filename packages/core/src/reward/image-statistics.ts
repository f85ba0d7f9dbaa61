import { averageHash, hashDistance } from '../data/inspect/image-hash.js';
import type { RgbImage } from '../image/index.js';

/** Numbers that move when a policy collapses or hacks its reward: grey mush, noise, one colour, copies. */
export interface ImageStatistics {
  /** Mean luma (ITU-R BT.601) in [0, 1]. */
  readonly brightness: number;
  /** Standard deviation of luma in [0, 0.5]. */
  readonly contrast: number;
  /** Entropy of the colours in bits, [0, 9]: channels in 8 levels each, 512 colours. */
  readonly colourEntropy: number;
  /** Share of pixels on an edge, in [0, 1]. */
  readonly edgeDensity: number;
}

/** A pixel lies on an edge when the Sobel gradient of its luma exceeds this share of the largest possible one. */
const EDGE_SHARE = 0.1;

/** Largest magnitude of a Sobel gradient of values in [0, 1] in one direction. */
const SOBEL_LARGEST = 4;

/** Statistics of one picture. */
export function imageStatistics(image: RgbImage): ImageStatistics {
  const luma = lumaOf(image);
  const brightness = mean(luma);
  return {
    brightness,
    contrast: Math.sqrt(mean(luma.map((value) => (value - brightness) ** 2))),
    colourEntropy: colourEntropy(image),
    edgeDensity: edgeDensity(luma, image.width, image.height),
  };
}

/** The mean of each number over several pictures. */
export function meanImageStatistics(images: readonly RgbImage[]): ImageStatistics {
  const all = images.map(imageStatistics);
  const of = (key: keyof ImageStatistics) => mean(Float64Array.from(all, (statistics) => statistics[key]));
  return {
    brightness: of('brightness'),
    contrast: of('contrast'),
    colourEntropy: of('colourEntropy'),
    edgeDensity: of('edgeDensity'),
  };
}

/**
 * For each picture, how alike its nearest training picture is: the share of equal cells of their average hashes, in
 * [0, 1]; unrelated pictures have about 0.5, a copy has 1.
 *
 * @throws Error when there are no training pictures
 */
export function nearestTrainingSimilarity(
  images: readonly RgbImage[],
  training: readonly RgbImage[],
): { readonly index: number; readonly similarity: number }[] {
  if (training.length === 0)
    throw new Error('expected at least one training picture to compare with, found none');
  const prints = training.map(averageHash);
  return images.map((image) => {
    const print = averageHash(image);
    const similarities = prints.map((other) => 1 - hashDistance(print, other) / print.length);
    const similarity = Math.max(...similarities);
    return { index: similarities.indexOf(similarity), similarity };
  });
}

function colourEntropy({ data }: RgbImage): number {
  const counts = new Float64Array(512);
  for (let i = 0; i < data.length; i += 3) {
    counts[((data[i]! >> 5) << 6) | ((data[i + 1]! >> 5) << 3) | (data[i + 2]! >> 5)]!++;
  }
  const pixels = data.length / 3;
  return counts.reduce(
    (bits, count) => bits - (count > 0 ? (count / pixels) * Math.log2(count / pixels) : 0),
    0,
  );
}

function edgeDensity(luma: Float64Array, width: number, height: number): number {
  if (width < 3 || height < 3) return 0;
  let edges = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = (dy: number, dx: number) => luma[(y + dy) * width + x + dx]!;
      const across = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
      const down = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
      if (Math.hypot(across, down) > EDGE_SHARE * SOBEL_LARGEST) edges++;
    }
  }
  return edges / ((width - 2) * (height - 2));
}

function lumaOf({ data }: RgbImage): Float64Array {
  return Float64Array.from(
    { length: data.length / 3 },
    (_, i) => (0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!) / 255,
  );
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
