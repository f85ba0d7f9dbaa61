import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { encodePng, solidImage } from '../image/index.js';
import { describedReward } from './described-reward.js';
import { diversityReward } from './diversity/diversity-reward.js';
import { featureDistance, type PictureDistance } from './diversity/picture-distance.js';
import { groupStatistics } from './group-statistics.js';
import { fromBytes, toBytes } from './pictures/float-image.js';
import type { FloatImage, RewardModel, RewardSample } from './reward-model.js';
import { type PictureFeatures, thumbnailFeatures } from './similarity/picture-features.js';
import { similarityReward } from './similarity/similarity-reward.js';

const colour = (...rgb: [number, number, number]): FloatImage => fromBytes(solidImage(4, 4, rgb));
const sample = (image: FloatImage, rest: Partial<RewardSample> = {}): RewardSample => ({
  image,
  prompt: 'p',
  group: 0,
  questions: [],
  ...rest,
});

/** The mean colour as a unit vector. */
const meanColour: PictureFeatures = {
  provenance: { tower: 'mean colour' },
  embed: vi.fn((images) =>
    images.map(({ data }) => {
      const norm = Math.hypot(data[0]!, data[1]!, data[2]!) || 1;
      return Float32Array.of(data[0]! / norm, data[1]! / norm, data[2]! / norm);
    }),
  ),
  dispose: () => {},
};

describe('the 8-bit copy', () => {
  it('truncates, clamps and refuses what is no number', () => {
    const { data } = toBytes({
      width: 2,
      height: 1,
      data: Float32Array.of(0.999, 1.5, -1, 0.5, 254.9 / 255, 1),
    });
    expect([...data]).toEqual([254, 255, 0, 127, 254, 255]);
    const broken = { width: 1, height: 1, data: Float32Array.of(0, Number.NaN, 0) };
    expect(() => toBytes(broken)).toThrow('value 1 is not a number');
    expect(() => toBytes({ ...broken, width: 2 })).toThrow('found 3 values for 2x1');
  });
});

describe('describedReward', () => {
  it('judges every picture against the description, and leaves the network to the alignment', async () => {
    const dispose = vi.fn();
    const alignment: RewardModel = {
      name: 'clip_t',
      provenance: { tower: 'test' },
      score: async (samples) => ({
        values: Float64Array.from(samples, ({ prompt }) => prompt.length),
        details: samples.map(({ prompt }) => ({ prompt })),
      }),
      dispose,
    };
    const identity = describedReward(alignment, 'a pink rabbit', 'identity');
    const red = colour(255, 0, 0);
    const { values, details } = await identity.score([sample(red), sample(red, { prompt: 'waving' })]);
    expect([...values]).toEqual([13, 13]);
    expect(details[1]).toEqual({ prompt: 'a pink rabbit' });
    expect(identity.provenance).toEqual({ tower: 'test', description: 'a pink rabbit' });
    identity.dispose();
    expect(dispose).not.toHaveBeenCalled();
  });
});

describe('similarityReward', () => {
  const window = { high: 0.9, low: 0.5 };
  const red = solidImage(4, 4, [255, 0, 0]);
  const green = solidImage(4, 4, [0, 255, 0]);

  it('compares with the references of each sample and punishes copies and strangers', async () => {
    const reward = similarityReward(meanColour, window);
    const { values, details } = await reward.score([
      sample(colour(255, 0, 0), { references: [red, green] }),
      sample(colour(0, 0, 255), { references: [red, green] }),
      sample(colour(200, 150, 0), { references: [green] }),
    ]);
    expect(values[0]).toBeCloseTo(-0.2, 6);
    expect(values[1]).toBeCloseTo(-1, 6);
    expect(values[2]).toBe(0);
    expect(details[0]).toEqual({ similarity: 1, nearest: 'picture 0', references: 2 });
    expect(details[2]!.similarity).toBeCloseTo(0.6, 6);
  });

  it('reads a folder once, by content, and reports what it could not read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'references-'));
    try {
      writeFileSync(join(folder, 'a.PNG'), await encodePng(red));
      writeFileSync(join(folder, 'b.png'), await encodePng(red));
      writeFileSync(join(folder, 'broken.jpg'), 'no picture');
      writeFileSync(join(folder, 'notes.txt'), 'no picture either');
      const reward = similarityReward(meanColour, window);
      vi.mocked(meanColour.embed).mockClear();
      const samples = [sample(colour(255, 0, 0), { references: folder })];
      const first = await reward.score(samples);
      expect(first.details[0]).toMatchObject({
        nearest: 'a.PNG',
        references: 2,
        skippedReferences: ['broken.jpg'],
      });
      await reward.score(samples);
      expect(vi.mocked(meanColour.embed).mock.calls.map(([images]) => images.length)).toEqual([2, 1, 1]);
      rmSync(join(folder, 'a.PNG'));
      rmSync(join(folder, 'b.png'));
      await expect(similarityReward(meanColour, window).score(samples)).rejects.toThrow(
        'found only damaged ones',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('fails without references, and can be asked again after the folder was mended', async () => {
    const reward = similarityReward(meanColour, window);
    await expect(reward.score([sample(colour(0, 0, 0))])).rejects.toThrow(
      'sample 0 ("p") has no reference pictures',
    );
    const missing = join(tmpdir(), 'no-such-folder');
    await expect(reward.score([sample(colour(0, 0, 0), { references: missing })])).rejects.toThrow(missing);
    expect(() => similarityReward(meanColour, { high: 0.4, low: 0.5 })).toThrow('low 0.5 and high 0.4');
  });
});

describe('diversityReward', () => {
  const images = [colour(255, 0, 0), colour(255, 0, 0), colour(0, 255, 0)];
  const distance: PictureDistance = featureDistance(meanColour);
  const samples = [
    sample(images[0]!, { group: 7 }),
    sample(images[2]!, { group: 3 }),
    sample(images[1]!, { group: 7 }),
    sample(images[2]!, { group: 7 }),
  ];

  it('credits the picture that differs, within each group', async () => {
    const { values, details } = await diversityReward(distance).score(samples);
    expect([...values]).toEqual([0.5, 0, 0.5, 1]);
    expect(details[3]).toEqual({ meanToOthers: 1, groupMean: 2 / 3, groupSize: 3 });
    expect(details[1]).toEqual({ meanToOthers: 0, groupMean: 0, groupSize: 1 });
  });

  it('gives all the same in the form of the reference, which no group advantage can see', async () => {
    const { values } = await diversityReward(distance, { credit: 'group_mean' }).score(samples);
    expect([...values]).toEqual([2 / 3, 0, 2 / 3, 2 / 3]);
    expect(groupStatistics(values, [7, 3, 7, 7])).toMatchObject({ meanStd: 0, zeroVarianceRatio: 1 });
  });
});

describe('thumbnailFeatures', () => {
  it('are unit vectors: copies are equal, another layout is not, and one colour has a direction', () => {
    const half = (left: number) => {
      const data = new Uint8Array(16 * 16 * 3).map((_, i) =>
        Math.floor(i / 3) % 16 < 8 ? left : 255 - left,
      );
      return { width: 16, height: 16, data };
    };
    const [a, copy, mirrored, plain] = thumbnailFeatures().embed([
      half(0),
      half(0),
      half(255),
      solidImage(9, 9),
    ]);
    expect(copy).toEqual(a);
    expect(Math.hypot(...plain!)).toBeCloseTo(1, 6);
    const cosine = a!.reduce((sum, value, i) => sum + value * mirrored![i]!, 0);
    expect(cosine).toBeLessThan(-0.9);
  });
});
