import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useStrictNative } from '../../../test/tiny-model.js';
import { solidImage } from '../../image/index.js';
import { resizePositions } from '../towers/dino/resize-positions.js';
import { shorterEdgeGeometry } from './crop.js';
import { fromBytes } from './float-image.js';
import { ImageProcessor } from './image-processor.js';
import { resizeBilinear } from './resize-bilinear.js';

describe('shorterEdgeGeometry', () => {
  it.each([
    [57, 0, 0],
    [59, 2, 1],
    [61, 2, 2],
    [63, 4, 3],
  ])('an excess of %i - 56 pixels begins at %i (half to even) or %i (down)', (width, even, down) => {
    const crop = { width: 56, height: 56 };
    const picture = { width, height: 56 };
    expect(shorterEdgeGeometry(picture, 56, crop, 'half to even')).toEqual({
      width,
      height: 56,
      left: even,
      top: 0,
    });
    expect(shorterEdgeGeometry(picture, 56, crop, 'down')).toMatchObject({ left: down });
  });

  it('truncates the longer edge', () => {
    const crop = { width: 50, height: 50 };
    expect(shorterEdgeGeometry({ width: 100, height: 133 }, 64, crop, 'down')).toEqual({
      width: 64,
      height: 85,
      left: 7,
      top: 17,
    });
  });
});

describe('resizeBilinear', () => {
  const row = (...values: number[]) => ({
    width: values.length,
    height: 1,
    data: Float32Array.from(values.flatMap((value) => [value, 2 * value, 0])),
  });
  const red = ({ data }: { data: Float32Array }) => Array.from(data).filter((_, i) => i % 3 === 0);

  it('interpolates between pixel centres when enlarging', () => {
    expect(red(resizeBilinear(row(0, 1), 4, 1))).toEqual([0, 0.25, 0.75, 1]);
  });

  it('weighs all pixels under a wide triangle when shrinking', () => {
    // Factor 2: weights 1/8, 3/8, 3/8, 1/8 inside; at the left edge 3/7, 3/7, 1/7.
    const [first, second] = red(resizeBilinear(row(0, 7, 0, 0, 0, 0), 3, 1));
    expect(first).toBeCloseTo(3, 6);
    expect(second).toBeCloseTo(7 / 8, 6);
  });

  it('resizes columns like rows and does not clamp', () => {
    const column = { width: 1, height: 2, data: Float32Array.of(-1, 0, 5, 3, 0, 5) };
    const { data } = resizeBilinear(column, 1, 4);
    expect([data[0], data[3], data[6], data[9], data[2]]).toEqual([-1, 0, 2, 3, 5]);
  });
});

describe('resizePositions', () => {
  it('keeps a grid of its own size, the middle between cells, and constants', () => {
    const ramp = Float32Array.from({ length: 36 }, (_, i) => i % 6);
    expect([...resizePositions(ramp, 6, 6, 6, 'size')].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([
      ...ramp,
    ]);
    const half = resizePositions(ramp, 6, 6, 3, 'size');
    expect(half[1]).toBeCloseTo(2.5, 6);
    // An even shift by half a cell is symmetric; the weights of any other sum to 1.
    const even = new Float32Array(36).fill(0.7);
    for (const value of resizePositions(even, 6, 4, 3, 'scale_offset')) expect(value).toBeCloseTo(0.7, 6);
  });
});

describe('ImageProcessor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'processor-'));
  beforeAll(() => useStrictNative());
  afterAll(() => rmSync(folder, { recursive: true }));

  const load = (file: object) => {
    const full = { image_mean: [0, 0.5, 1], image_std: [1, 0.5, 0.25], ...file };
    writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(full));
    return ImageProcessor.load(folder);
  };

  it.each([
    [{ size: 8, crop_size: 6 }],
    [{ size: { shortest_edge: 8 }, crop_size: { height: 6, width: 6 } }],
  ])('reads both published forms of the sizes: %j', async (file) => {
    const processor = await load(file);
    expect(processor.geometry({ width: 16, height: 32 })).toEqual({ width: 8, height: 16, left: 1, top: 5 });
    const images = [solidImage(16, 32, [255, 0, 51]), solidImage(32, 16, [255, 0, 51])];
    const pixels = processor.pixels(images);
    expect(pixels.shape).toEqual([2, 6, 6, 3]);
    const float = processor.floatPixels(images.map(fromBytes));
    for (const tensor of [pixels, float]) {
      const values = tensor.dataSync();
      expect([values[0], values[1]]).toEqual([1, -1]);
      expect(values.at(-1)).toBeCloseTo((0.2 - 1) / 0.25, 6);
      tensor.dispose();
    }
  });

  it('stretches where no edge is named', async () => {
    const processor = await load({ size: { height: 4, width: 6 } });
    expect(processor.crop(solidImage(9, 9))).toEqual(solidImage(6, 4));
  });

  it.each([
    [{ size: 8 }, 'expected "crop_size"'],
    [{ size: 8, crop_size: 9 }, 'a crop of at most the shorter edge 8, found 9x9'],
    [{ size: 8, crop_size: 8, do_normalize: false }, 'do_normalize'],
    [{ size: 8, crop_size: 8, resample: 2 }, 'resample'],
  ])('refuses %j', async (file, message) => {
    await expect(load(file)).rejects.toThrow(message);
  });
});
