import { describe, expect, it } from 'vitest';
import { ImageError } from './image-error.js';
import { resizeBicubic } from './resize.js';
import { type RgbImage, solidImage } from './rgb-image.js';

function greyRow(...values: number[]): RgbImage {
  return { width: values.length, height: 1, data: Uint8Array.from(values.flatMap((v) => [v, v, v])) };
}

const red = (image: RgbImage) =>
  Array.from({ length: image.width * image.height }, (_, i) => image.data[i * 3]);

/** Cubic resampling of one line in floating point, straight from the definition. */
function resampleExactly(line: number[], to: number): number[] {
  const scale = line.length / to;
  const widening = Math.max(scale, 1);
  return Array.from({ length: to }, (_, target) => {
    const centre = (target + 0.5) * scale;
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < line.length; i++) {
      const t = Math.abs((i + 0.5 - centre) / widening);
      const weight =
        t < 1 ? 1.5 * t ** 3 - 2.5 * t ** 2 + 1 : t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
      sum += weight * (line[i] as number);
      weights += weight;
    }
    return Math.min(Math.max(sum / weights, 0), 255);
  });
}

describe('resizeBicubic', () => {
  it('doubles two pixels as worked out by hand', () => {
    // weights of the outer pixels 1.0882, -0.0882; of the inner ones 0.7929, 0.2071
    expect(red(resizeBicubic(greyRow(100, 200), 4, 1))).toEqual([91, 121, 179, 209]);
    expect(red(resizeBicubic(greyRow(0, 255), 4, 1))).toEqual([0, 53, 202, 255]);
  });

  it.each([
    [9, 4],
    [7, 19],
    [50, 3],
    [3, 1],
    [1, 5],
  ])('is within rounding of exact resampling from %i to %i', (from, to) => {
    const line = Array.from({ length: from }, (_, i) => (i * 97 + 31) % 256);
    const exact = resampleExactly(line, to);
    const across = red(resizeBicubic(greyRow(...line), to, 1));
    across.forEach((value, i) => {
      expect(Math.abs((value as number) - (exact[i] as number))).toBeLessThanOrEqual(0.5001);
    });
    const column: RgbImage = { width: 1, height: from, data: greyRow(...line).data };
    expect(red(resizeBicubic(column, 1, to))).toEqual(across);
  });

  it('keeps a flat colour flat, and channels apart', () => {
    const flat = resizeBicubic(solidImage(5, 4, [10, 128, 250]), 13, 3);
    expect([flat.width, flat.height]).toEqual([13, 3]);
    expect(flat.data).toEqual(solidImage(13, 3, [10, 128, 250]).data);
  });

  it('copies an image of the right size', () => {
    const image = greyRow(1, 2, 3);
    const same = resizeBicubic(image, 3, 1);
    expect(same.data).toEqual(image.data);
    expect(same.data).not.toBe(image.data);
  });

  it('refuses sizes that are none', () => {
    expect(() => resizeBicubic(greyRow(1), 0, 1)).toThrow(ImageError);
    expect(() => resizeBicubic(greyRow(1), 2.5, 1)).toThrow(/found 2.5x1/);
    expect(() => resizeBicubic({ width: 2, height: 2, data: new Uint8Array(3) }, 1, 1)).toThrow(
      /has 12 values, found 3/,
    );
  });
});
