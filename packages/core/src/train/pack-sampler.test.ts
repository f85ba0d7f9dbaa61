import { describe, expect, it } from 'vitest';
import { PackSampler } from './pack-sampler.js';

const samples = [
  ...Array.from({ length: 10 }, (_, index) => ({ task: 'dialogue', id: `d${index}` })),
  ...Array.from({ length: 4 }, (_, index) => ({ task: 't2i', id: `t${index}` })),
  ...Array.from({ length: 3 }, (_, index) => ({ task: 'vqa', id: `v${index}` })),
];
const mix = { dialogue: 2, t2i: 1, vqa: 1, thinking: 5 };
const one = (): number => 1;

describe('PackSampler', () => {
  it('follows the mix in every pack and uses each sample equally often', () => {
    const sampler = new PackSampler(samples, mix, 1);
    expect(sampler.shares()).toEqual({ dialogue: 0.5, t2i: 0.25, vqa: 0.25 });
    const seen = new Map<string, number>();
    for (let step = 0; step < 30; step++) {
      const pack = sampler.pack(8, one);
      expect(pack.map((sample) => sample.task).sort()).toEqual([
        ...Array<string>(4).fill('dialogue'),
        ...Array<string>(2).fill('t2i'),
        ...Array<string>(2).fill('vqa'),
      ]);
      for (const { id } of pack) seen.set(id, (seen.get(id) ?? 0) + 1);
    }
    expect(seen.size).toBe(samples.length);
    for (const [id, times] of seen) {
      const expected = id.startsWith('d') ? 12 : id.startsWith('t') ? 15 : 20;
      expect(times).toBe(expected);
    }
  });

  it('continues from a saved position as if it had never stopped', () => {
    const straight = new PackSampler(samples, mix, 1);
    const packs = Array.from({ length: 9 }, () => straight.pack(5, one));
    const stopped = new PackSampler(samples, mix, 1);
    for (let step = 0; step < 4; step++) stopped.pack(5, one);
    const resumed = new PackSampler(samples, mix, 1);
    resumed.seek(JSON.parse(JSON.stringify(stopped.position())));
    expect(Array.from({ length: 5 }, () => resumed.pack(5, one))).toEqual(packs.slice(4));
  });

  it('fills packs by cost and takes one sample that is dearer than the budget', () => {
    const sampler = new PackSampler(samples, mix, 1);
    expect(sampler.pack(10, () => 4)).toHaveLength(3);
    expect(sampler.pack(10, () => 40)).toHaveLength(1);
  });

  it('says which tasks there are when the mix selects nothing', () => {
    expect(() => new PackSampler(samples, { thinking: 1 }, 1)).toThrow(/dialogue, t2i, vqa/);
  });
});
