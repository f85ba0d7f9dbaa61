import { type TextPair, words } from './words.js';

export interface RougeL {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * ROUGE-L on words (Lin 2004): with L the length of the longest common subsequence, precision L/|hypothesis|, recall
 * L/|reference| and their harmonic mean. No stemming; 0 where undefined.
 */
export function rougeL(pair: TextPair): RougeL {
  const hypothesis = words(pair.hypothesis);
  const reference = words(pair.reference);
  const common = commonSubsequence(hypothesis, reference);
  if (common === 0) return { precision: 0, recall: 0, f1: 0 };
  const precision = common / hypothesis.length;
  const recall = common / reference.length;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}

/** Length of the longest common subsequence; one row of the table is kept. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Int32Array(b.length + 1);
  for (const item of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      row[j] = item === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]!);
      diagonal = above;
    }
  }
  return row[b.length]!;
}
