import { describe, expect, it } from 'vitest';
import { type RgbImage, solidImage } from '../image/index.js';
import { imageStatistics, meanImageStatistics, nearestTrainingSimilarity } from './image-statistics.js';

const drawn = (side: number, pixel: (x: number, y: number) => [number, number, number]): RgbImage => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return pixel(at % side, Math.floor(at / side))[i % 3]!;
  }),
});
const grey = (v: number): [number, number, number] => [v, v, v];

describe('imageStatistics', () => {
  it('sees nothing in one colour', () => {
    const statistics = imageStatistics(solidImage(16, 16, [128, 128, 128]));
    expect(statistics.brightness).toBeCloseTo(128 / 255, 12);
    expect(statistics.contrast).toBeCloseTo(0, 12);
    expect(statistics).toMatchObject({ colourEntropy: 0, edgeDensity: 0 });
  });

  it('measures two halves: one bit, half the contrast range, two columns of edges', () => {
    const halves = drawn(18, (x) => grey(x < 9 ? 0 : 255));
    const { brightness, contrast, colourEntropy, edgeDensity } = imageStatistics(halves);
    expect(brightness).toBeCloseTo(0.5, 12);
    expect(contrast).toBeCloseTo(0.5, 12);
    expect(colourEntropy).toBe(1);
    expect(edgeDensity).toBe(2 / 16);
  });

  it('averages over pictures', () => {
    const pictures = [solidImage(4, 4, [0, 0, 0]), solidImage(4, 4, [255, 255, 255])];
    expect(meanImageStatistics(pictures).brightness).toBeCloseTo(0.5, 12);
  });

  it('finds the nearest training picture', () => {
    const left = drawn(32, (x) => grey(x < 16 ? 0 : 255));
    const top = drawn(32, (_, y) => grey(y < 16 ? 0 : 255));
    expect(nearestTrainingSimilarity([top, left], [left, top])).toEqual([
      { index: 1, similarity: 1 },
      { index: 0, similarity: 1 },
    ]);
    expect(nearestTrainingSimilarity([left], [top])[0]!.similarity).toBe(0.5);
    expect(() => nearestTrainingSimilarity([left], [])).toThrow('at least one training picture');
  });
});
