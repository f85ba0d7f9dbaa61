import { tf } from '@unicharacter/native';
import { decodeImage, type RgbImage } from '../../../image/index.js';
import type { FloatImage } from '../../../reward/index.js';
import type { RewardCase, RewardGolden } from './golden.js';

/** The float pictures of a stored [n, 3, height, width] tensor. */
export function floatImages(golden: RewardGolden, entry: RewardCase, name = 'images'): FloatImage[] {
  const reference = (entry.inputs[name] as { tensor: string }).tensor;
  const [n, , height, width] = golden.shape(reference) as [number, number, number, number];
  const values = golden.values(reference);
  const plane = height * width;
  return Array.from({ length: n }, (_, image) => ({
    width,
    height,
    data: Float32Array.from(
      { length: plane * 3 },
      (_, i) => values[image * plane * 3 + (i % 3) * plane + Math.floor(i / 3)]!,
    ),
  }));
}

/** The 8-bit pictures that an input lists. */
export function decodeAll(golden: RewardGolden, files: readonly string[]): Promise<RgbImage[]> {
  return Promise.all(files.map((file) => decodeImage(golden.path(file), { transparency: 'drop' })));
}

/** Bytes of several pictures of one size in the order [n, 3, height, width]. */
export function channelsFirstBytes(images: readonly RgbImage[]): Float32Array {
  return Float32Array.from(
    images.flatMap(({ data }) =>
      [0, 1, 2].flatMap((channel) => Array.from(data.filter((_, i) => i % 3 === channel))),
    ),
  );
}

/** A stored [n, 3, height, width] input as [n, height, width, 3]; the caller disposes it. */
export function pixelInput(golden: RewardGolden, entry: RewardCase, name: string): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(golden.input<tf.Tensor4D>(entry, name), [0, 2, 3, 1]));
}
