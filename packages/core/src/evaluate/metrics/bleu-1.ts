import { clippedMatches, countNgrams, type TextPair, words } from './words.js';

/**
 * BLEU-1 of a corpus (Papineni et al. 2002): clipped unigram precision times the brevity penalty
 * `exp(1 − |references| / |hypotheses|)` when the hypotheses are shorter. Matches and lengths are summed over all pairs
 * first, so one pair gives the value of that sentence. 0 without matches.
 */
export function bleu1(pairs: readonly TextPair[]): number {
  let matches = 0;
  let hypothesisWords = 0;
  let referenceWords = 0;
  for (const pair of pairs) {
    const hypothesis = words(pair.hypothesis);
    const reference = words(pair.reference);
    matches += clippedMatches(countNgrams(hypothesis, 1), countNgrams(reference, 1));
    hypothesisWords += hypothesis.length;
    referenceWords += reference.length;
  }
  if (matches === 0) return 0;
  const brevity = Math.exp(Math.min(0, 1 - referenceWords / hypothesisWords));
  return (brevity * matches) / hypothesisWords;
}
