import { randomNormal, tf } from '@unicharacter/native';
import type { RgbImage } from '../../image/index.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import { JUDGE_STREAM } from '../toy-pictures.js';

const BLUR_CHANCE = 0.65;
/** Largest shift in pixels, with the border repeated. */
const SHIFT = 6;
const GAIN = 0.12;
const OFFSET = 0.06;
const NOISE = 0.08;

/**
 * Pixels [n, side, side, 3] in about [−1, 1] of square pictures, disturbed as generated pictures are: shifted, mirrored,
 * blurred by a smaller size between, other brightness per channel, noise. The same key gives the same batch.
 *
 * @param blurredSides sides to which a batch may be shrunk before it is enlarged again, as a small autoencoder blurs
 */
export function augmentedBatch(
  images: readonly RgbImage[],
  blurredSides: readonly number[],
  seed: number,
  step: number,
): tf.Tensor4D {
  const random = new KeyedRandom(seed, JUDGE_STREAM.augment, [step]);
  const side = images[0]!.width;
  const count = images.length;
  const shift = () => random.integer(2 * SHIFT + 1) - SHIFT;
  const shifted = images.map((image) => shiftedPixels(image, shift(), shift()));
  const around = (centre: number, width: number) => centre + (2 * random.uniform() - 1) * width;
  const perChannel = (centre: number, width: number) =>
    tf.tensor4d(
      Array.from({ length: count * 3 }, () => around(centre, width)),
      [count, 1, 1, 3],
    );
  return tf.tidy(() => {
    const values = new Float32Array(count * side * side * 3);
    shifted.forEach((pixels, i) => {
      values.set(pixels, i * pixels.length);
    });
    let x = tf.tensor4d(values, [count, side, side, 3]);
    if (random.uniform() < 0.5) x = tf.reverse(x, 2);
    if (random.uniform() < BLUR_CHANCE)
      x = blurred(x, blurredSides[random.integer(blurredSides.length)]!, side);
    x = tf.add(tf.mul(x, perChannel(1, GAIN)), perChannel(0, OFFSET));
    const deviation = tf.tensor4d(
      Array.from({ length: count }, () => random.uniform() * NOISE),
      [count, 1, 1, 1],
    );
    const noise = randomNormal(x.shape, { seed, stream: JUDGE_STREAM.augment, counter: step });
    return tf.add(x, tf.mul(noise, deviation)) as tf.Tensor4D;
  });
}

function blurred(x: tf.Tensor4D, small: number, side: number): tf.Tensor4D {
  const shrunk = tf.image.resizeBilinear(x, [small, small], false, true);
  return tf.image.resizeBilinear(shrunk, [side, side], false, true);
}

function shiftedPixels({ width, height, data }: RgbImage, right: number, down: number): Float32Array {
  const out = new Float32Array(data.length);
  const inside = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  for (let y = 0; y < height; y++) {
    const row = inside(y - down, height) * width;
    for (let x = 0; x < width; x++) {
      const from = (row + inside(x - right, width)) * 3;
      const to = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c]! / 127.5 - 1;
    }
  }
  return out;
}
