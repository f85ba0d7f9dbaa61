import { words } from '../../evaluate/metrics/index.js';
import { RewardError, type TextRewardModel, type TextRewardSample } from '../reward-model.js';

/**
 * Minus the share of word n-grams of a reply that stand earlier in the reply or in a turn before it, in [−1, 0]: loops,
 * parroting the user, and saying the same thing again. 0 for a reply shorter than n words. Details: `repeated`, `ngrams`.
 */
export function repetitionReward(n = 3, name = 'repetition'): TextRewardModel {
  if (!Number.isInteger(n) || n < 1) throw new RewardError(`${name}: expected n of at least 1, found ${n}`);
  return {
    name,
    provenance: { n },
    async score(samples) {
      const counted = samples.map((sample) => repeated(sample, n));
      return {
        values: Float64Array.from(counted, (c) => (c.repeated === 0 ? 0 : -c.repeated / c.ngrams)),
        details: counted,
      };
    },
    dispose: () => {},
  };
}

function repeated({ history = [], prompt, reply }: TextRewardSample, n: number) {
  const seen = new Set([...history.map(({ text }) => text), prompt].flatMap((text) => ngrams(text, n)));
  const own = ngrams(reply, n);
  let count = 0;
  for (const ngram of own) {
    if (seen.has(ngram)) count++;
    seen.add(ngram);
  }
  return { repeated: count, ngrams: own.length };
}

function ngrams(text: string, n: number): string[] {
  const all = words(text);
  return Array.from({ length: Math.max(0, all.length - n + 1) }, (_, i) => all.slice(i, i + n).join(' '));
}
