/** Words of a text: lower-case runs of Unicode letters and digits. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * A text without what answers may differ in (the normalisation of SQuAD; Rajpurkar et al. 2016): lower-case, ASCII
 * punctuation deleted, the articles a, an and the removed, runs of white space collapsed.
 */
export function normalisedText(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ');
}

/** A text and the text that it is compared with. */
export interface TextPair {
  readonly hypothesis: string;
  readonly reference: string;
}

/** How often each n-gram of `items` occurs; keys join the items with `separator`, which no item may contain. */
export function countNgrams(items: readonly string[], n: number, separator = ' '): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + n <= items.length; start++) {
    const key = items.slice(start, start + n).join(separator);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Sum over n-grams of the smaller of both counts. */
export function clippedMatches(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let matches = 0;
  for (const [ngram, count] of a) matches += Math.min(count, b.get(ngram) ?? 0);
  return matches;
}
