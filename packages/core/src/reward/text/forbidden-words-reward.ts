import { words } from '../../evaluate/metrics/index.js';
import { RewardError, type TextRewardModel } from '../reward-model.js';

/**
 * −1 for a reply that holds a forbidden word or phrase, else 0. Whole words are compared, without case and punctuation, so
 * `"as an AI"` is found in "As an AI, I …" and `cat` is not found in "category". Details: `forbidden`, the phrases found.
 *
 * @throws RewardError when a phrase has no words: it would never be found
 */
export function forbiddenWordsReward(phrases: readonly string[], name = 'forbidden_words'): TextRewardModel {
  const patterns = phrases.map((phrase) => {
    const pattern = spaced(phrase);
    if (pattern === '  ')
      throw new RewardError(`${name}: expected a phrase with words, found ${JSON.stringify(phrase)}`);
    return { phrase, pattern };
  });
  return {
    name,
    provenance: { phrases },
    async score(samples) {
      const found = samples.map(({ reply }) => {
        const text = spaced(reply);
        return patterns.filter(({ pattern }) => text.includes(pattern)).map(({ phrase }) => phrase);
      });
      return {
        values: Float64Array.from(found, ({ length }) => (length > 0 ? -1 : 0)),
        details: found.map((forbidden) => ({ forbidden })),
      };
    },
    dispose: () => {},
  };
}

const spaced = (text: string) => ` ${words(text).join(' ')} `;
