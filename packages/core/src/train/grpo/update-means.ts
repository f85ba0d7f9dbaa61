import type { StepOutcome } from '../training-stage.js';

/** Parts that are losses; all others are measures. */
const LOSSES = ['total', 'policy', 'anchor', 'plan/policy', 'plan/anchor'];

/**
 * The numbers of the optimizer steps of an epoch as one outcome: means, and the largest gradient norm. Without a step (no
 * group had any variance) losses are 0.
 */
export function meanOfUpdates(
  results: readonly Record<string, number>[],
  parts: readonly string[],
): Pick<StepOutcome, 'losses' | 'gradNorm'> & { measures: Record<string, number> } {
  const mean = (name: string) =>
    results.reduce((sum, result) => sum + result[name]!, 0) / Math.max(1, results.length);
  const pick = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, mean(name)]));
  return {
    losses: pick(['total', ...parts.filter((name) => LOSSES.includes(name))]),
    gradNorm: Math.max(0, ...results.map(({ gradNorm }) => gradNorm!)),
    measures: {
      ...pick(results.length > 0 ? parts.filter((name) => !LOSSES.includes(name)) : []),
      updates: results.length,
    },
  };
}
