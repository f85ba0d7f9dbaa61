import { words } from '../../evaluate/metrics/index.js';
import { RewardError, type TextRewardModel } from '../reward-model.js';

/** Bounds of the length of a reply in words. */
export interface LengthWindow {
  readonly min: number;
  readonly max: number;
}

/**
 * 0 for a reply whose number of words lies in the window; below it falls linearly to −1 at no words, above it falls
 * linearly to −1 at twice the maximum and stays there. Details: `words`.
 */
export function lengthReward({ min, max }: LengthWindow, name = 'length'): TextRewardModel {
  if (!(min >= 0 && max >= Math.max(min, 1))) {
    throw new RewardError(
      `${name}: expected 0 <= min <= max and max of at least 1, found min ${min} and max ${max}`,
    );
  }
  return {
    name,
    provenance: { min, max },
    async score(samples) {
      const counts = samples.map(({ reply }) => words(reply).length);
      const value = (count: number) => {
        if (count < min) return (count - min) / min;
        return count > max ? Math.max(-1, (max - count) / max) : 0;
      };
      return { values: Float64Array.from(counts, value), details: counts.map((count) => ({ words: count })) };
    },
    dispose: () => {},
  };
}
