import type { RgbImage } from '../../image/index.js';
import { type FloatImage, RewardError } from '../reward-model.js';

/** Throws RewardError unless the picture has three values in it for each of its pixels. */
export function checkFloatImage({ width, height, data }: FloatImage): void {
  const sides = Number.isSafeInteger(width) && Number.isSafeInteger(height) && width > 0 && height > 0;
  if (sides && data.length === width * height * 3) return;
  throw new RewardError(
    `a picture: expected height x width x 3 values, found ${data.length} values for ${width}x${height}`,
  );
}

/**
 * The 8-bit copy of a generated picture that BLIP, DINO and LPIPS look at: float32 `x · 255`, clamped to [0, 255] and
 * truncated, not rounded (rewards specification §1).
 *
 * @throws RewardError when a value is not a number: the picture is no picture
 */
export function toBytes(image: FloatImage): RgbImage {
  checkFloatImage(image);
  const { width, height, data } = image;
  const bytes = new Uint8Array(data.length);
  for (let i = 0; i < bytes.length; i++) {
    const value = data[i]!;
    if (Number.isNaN(value))
      throw new RewardError(`a picture: value ${i} is not a number; the model has diverged`);
    bytes[i] = Math.trunc(Math.min(Math.max(Math.fround(value * 255), 0), 255));
  }
  return { width, height, data: bytes };
}

/** A picture in [0, 1] from 8-bit values, `v / 255`. */
export function fromBytes({ width, height, data }: RgbImage): FloatImage {
  return { width, height, data: Float32Array.from(data, (value) => value / 255) };
}
