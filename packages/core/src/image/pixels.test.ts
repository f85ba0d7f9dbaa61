import { describe, expect, it } from 'vitest';
import { fromPixels, gridPositions, patchify, toPixels } from './pixels.js';
import type { RgbImage } from './rgb-image.js';

function ramp(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => i) };
}

describe('toPixels and fromPixels', () => {
  it('maps 0..255 to [-1, 1] in float32', () => {
    const pixels = toPixels({ width: 1, height: 1, data: Uint8Array.of(0, 51, 255) });
    expect([...pixels]).toEqual([-1, Math.fround((Math.fround(0.2) - 0.5) / 0.5), 1]);
  });

  it('truncates, clamps, and so may lose one level of a round trip', () => {
    const image = fromPixels(Float32Array.of(-3, 0, 2, 0.999, -0.99, 1), 1, 2);
    expect([...image.data]).toEqual([0, 127, 255, 254, 1, 255]);
    const levels = {
      width: 256,
      height: 1,
      data: Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)),
    };
    const back = fromPixels(toPixels(levels), 1, 256);
    back.data.forEach((value, i) => {
      const original = levels.data[i] as number;
      expect(original - value === 0 || original - value === 1).toBe(true);
    });
  });

  it('refuses wrong counts and values that are no numbers', () => {
    expect(() => fromPixels(new Float32Array(5), 1, 2)).toThrow(/has 6 values, found 5/);
    expect(() => fromPixels(Float32Array.of(0, Number.NaN, 0), 1, 1)).toThrow(
      /value 1 of the image is not a number/,
    );
  });
});

describe('patchify', () => {
  it('orders patches by row, and (y, x, channel) inside', () => {
    const image = ramp(4, 2);
    const pixels = toPixels(image);
    const order = [0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23];
    expect([...patchify(image, 2)]).toEqual(order.map((i) => pixels[i]));
  });

  it('refuses sides that are no multiples', () => {
    expect(() => patchify(ramp(4, 3), 2)).toThrow('expected sides that are multiples of 2, found 4x3');
  });
});

describe('gridPositions', () => {
  it('steps by the side of the table', () => {
    expect([...gridPositions(2, 3, 10)]).toEqual([0, 1, 2, 10, 11, 12]);
    expect(() => gridPositions(2, 11, 10)).toThrow(/grid of 11x2 patches does not fit/);
  });
});
