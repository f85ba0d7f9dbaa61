import { countNgrams, words } from './words.js';

/**
 * distinct-n of a corpus (Li et al. 2016): different word n-grams over all word n-grams. N-grams do not cross texts;
 * 0 when there are none.
 */
export function distinctN(texts: readonly string[], n: number): number {
  const seen = new Set<string>();
  let total = 0;
  for (const text of texts) {
    for (const [ngram, count] of countNgrams(words(text), n)) {
      seen.add(ngram);
      total += count;
    }
  }
  return total === 0 ? 0 : seen.size / total;
}
