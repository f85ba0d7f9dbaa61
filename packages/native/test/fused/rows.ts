import { AttentionMode, type TokenMetadata } from '../../src/ops/attention-layout.js';

export type Split = ['causal' | 'full' | 'noise', number];

/** Two samples of all kinds of splits, 243 tokens: full, partial and empty tiles, and a last tile with a tail. */
export const TWO_SAMPLES: Split[][] = [
  [
    ['causal', 70],
    ['full', 40],
    ['noise', 30],
    ['causal', 20],
  ],
  [
    ['full', 50],
    ['causal', 33],
  ],
];

/** Small reproducible integers. */
export function integers(seed: number): (limit: number) => number {
  let state = seed * 7919 + 17;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * limit);
  };
}

function randomSamples(next: (limit: number) => number): Split[][] {
  return Array.from({ length: 1 + next(4) }, () =>
    Array.from(
      { length: 1 + next(5) },
      () => [(['causal', 'full', 'noise'] as const)[next(3)]!, next(90)] as Split,
    ),
  );
}

/**
 * Metadata of a packed row of samples, each a list of splits; random ones for a seed (with empty splits among them).
 * Tokens of noise splits are stored behind all others, as rows with static expert routing are.
 */
export function packedRow(samples: Split[][] | undefined, seed?: number): TokenMetadata {
  const tokens: { sample: number; split: number; order: number; mode: number }[] = [];
  let split = 0;
  (samples ?? randomSamples(integers(seed ?? 1))).forEach((splits, sample) => {
    let order = 0;
    for (const [mode, length] of splits) {
      for (let i = 0; i < length; i++)
        tokens.push({ sample, split, order: order++, mode: AttentionMode[mode] });
      split++;
    }
  });
  if (tokens.length === 0) tokens.push({ sample: 0, split: 0, order: 0, mode: 0 });
  const rows =
    samples === undefined
      ? [...tokens.filter((t) => t.mode !== 2), ...tokens.filter((t) => t.mode === 2)]
      : tokens;
  const column = (name: 'sample' | 'split' | 'order' | 'mode') =>
    Int32Array.from(rows, (token) => token[name]);
  return { sample: column('sample'), split: column('split'), order: column('order'), mode: column('mode') };
}
