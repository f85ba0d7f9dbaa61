import { AttentionLayout, AttentionMode } from '@unicharacter/native';

/**
 * Attention inside each of several sequences that lie one after the other in one row.
 *
 * @param lengths tokens of each sequence
 * @param mode `full`: all tokens of a sequence see each other; `causal`: a token sees itself and earlier ones
 */
export function sequencesLayout(lengths: readonly number[], mode: 'full' | 'causal'): AttentionLayout {
  const sequence = Int32Array.from(lengths.flatMap((length, i) => new Array<number>(length).fill(i)));
  return new AttentionLayout({
    sample: sequence,
    split: sequence,
    order: Int32Array.from(sequence, (_, i) => i),
    mode: new Int32Array(sequence.length).fill(AttentionMode[mode]),
  });
}
