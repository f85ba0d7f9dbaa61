import { describe, expect, it } from 'vitest';
import { PackSampler } from './pack-sampler.js';
import { asPrior, mixWithPrior } from './prior.js';

const own = [
  { id: 'd0', task: 'dialogue' },
  { id: 'd1', task: 'dialogue' },
  { id: 't0', task: 't2i' },
];
const general = [
  { id: 'd0', task: 'dialogue' },
  { id: 'v0', task: 'vqa' },
];

describe('general data', () => {
  it('get their share of the draws, and the other tasks keep their proportions', () => {
    const mix = mixWithPrior(own, { dialogue: 3, t2i: 1, thinking: 9 }, 0.25);
    const shares = new PackSampler([...own, ...asPrior(general)], mix, 1).shares();
    expect(shares.prior).toBeCloseTo(0.25, 12);
    expect(shares.dialogue! / shares.t2i!).toBeCloseTo(3, 12);
    expect(Object.keys(shares)).toEqual(['dialogue', 't2i', 'prior']);
  });

  it('are one task, and none of their samples is taken for one of the character', () => {
    expect(asPrior(general)).toEqual([
      { id: 'prior/d0', task: 'prior' },
      { id: 'prior/v0', task: 'prior' },
    ]);
  });
});
