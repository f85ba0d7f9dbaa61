import { clippedMatches, countNgrams, type TextPair } from './words.js';

const MAX_ORDER = 6;
const BETA = 2;

/**
 * chrF2 of a corpus (Popović 2015; equal to sacrebleu's chrF2 over 100), in [0, 1]: character n-grams of orders 1 to 6
 * without white space, case kept; precision and recall are averaged over the orders that occur on both sides, then
 * combined with β = 2. Counts are summed over all pairs first, so one pair gives the value of that sentence. A pair
 * whose reference lacks an order adds no hypothesis n-grams of that order.
 */
export function chrf(pairs: readonly TextPair[]): number {
  const characters = pairs.map(
    ({ hypothesis, reference }) => [visible(hypothesis), visible(reference)] as const,
  );
  let precision = 0;
  let recall = 0;
  let orders = 0;
  for (let order = 1; order <= MAX_ORDER; order++) {
    let matches = 0;
    let hypothesisCount = 0;
    let referenceCount = 0;
    for (const [hypothesis, reference] of characters) {
      const ofReference = Math.max(0, reference.length - order + 1);
      if (ofReference === 0) continue;
      matches += clippedMatches(countNgrams(hypothesis, order, ''), countNgrams(reference, order, ''));
      hypothesisCount += Math.max(0, hypothesis.length - order + 1);
      referenceCount += ofReference;
    }
    if (hypothesisCount === 0 || referenceCount === 0) continue;
    precision += matches / hypothesisCount;
    recall += matches / referenceCount;
    orders++;
  }
  if (precision + recall === 0) return 0;
  const [p, r] = [precision / orders, recall / orders];
  return ((1 + BETA ** 2) * p * r) / (BETA ** 2 * p + r);
}

/** Code points that are no white space. */
function visible(text: string): string[] {
  return Array.from(text.replace(/\s+/g, ''));
}
