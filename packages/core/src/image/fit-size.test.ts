import { describe, expect, it } from 'vitest';
import { fitSize, PUBLISHED_RESIZE_RULES, roundHalfToEven } from './fit-size.js';

const { vae, vitTraining } = PUBLISHED_RESIZE_RULES;
const size = (width: number, height: number) => ({ width, height });

describe('fitSize', () => {
  it.each([
    [378, 378, size(512, 512), size(378, 378)],
    [240, 240, size(512, 512), size(378, 378)],
    [1024, 1024, size(1024, 1024), size(980, 980)],
    [452, 803, size(512, 912), size(448, 798)],
    [520, 727, size(512, 720), size(518, 728)],
    [300, 2000, size(160, 1024), size(140, 980)],
  ])('%ix%i under the published rules', (width, height, forVae, forVit) => {
    for (const compat of ['default', 'reference'] as const) {
      expect(fitSize(width, height, vae, 1, compat)).toEqual(forVae);
      expect(fitSize(width, height, vitTraining, 1, compat)).toEqual(forVit);
    }
  });

  it('meets the pixel bound by its root, or as the reference by the area ratio', () => {
    const rule = { maxSize: 1000, minSize: 10, stride: 10, maxPixels: 250_000 };
    expect(fitSize(1000, 1000, rule)).toEqual(size(500, 500));
    expect(fitSize(1000, 1000, rule, 1, 'reference')).toEqual(size(250, 250));
    expect(fitSize(1000, 1000, rule, 4)).toEqual(size(250, 250));
    expect(fitSize(1000, 1000, rule, 4, 'reference')).toEqual(size(60, 60)); // 62.5 -> 62 -> 60
    for (const [w, h] of [
      [999, 501],
      [640, 400],
      [777, 333],
    ] as const) {
      const fitted = fitSize(w, h, rule);
      expect(fitted.width * fitted.height).toBeLessThanOrEqual(250_000);
      expect(fitted.width * fitted.height).toBeGreaterThan(220_000);
    }
  });

  it('never goes below one stride and refuses empty sizes', () => {
    expect(fitSize(1, 5000, { maxSize: 64, minSize: 1, stride: 16, maxPixels: 1e6 })).toEqual(size(16, 64));
    expect(() => fitSize(0, 5, vae)).toThrow(/found 0x5/);
    expect(() => fitSize(Number.NaN, 5, vae)).toThrow(/found NaNx5/);
  });
});

describe('roundHalfToEven', () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.4999, 2],
    [2.5001, 3],
    [-0.5, -0],
    [-1.5, -2],
    [7, 7],
  ])('%d -> %d', (value, rounded) => {
    expect(roundHalfToEven(value) + 0).toBe(rounded + 0);
  });
});
