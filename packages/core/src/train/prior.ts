import type { TaskMix } from '../data/index.js';

/** The task under which general data are drawn, counted and reported. */
export const PRIOR = 'prior';

/** General samples under one task, so that none of them is taken for the character's own. */
export function asPrior<S extends { readonly id: string }>(
  samples: readonly S[],
): (S & { task: typeof PRIOR })[] {
  return samples.map((sample) => ({ ...sample, id: `${PRIOR}/${sample.id}`, task: PRIOR }));
}

/**
 * The mix with a part for general data: they get `share` of the draws, and the tasks of the character keep their proportions
 * in what is left (prior preservation, Ruiz et al. 2023, "DreamBooth", there as a term of the loss).
 * @param samples of the character; tasks of the mix without samples get nothing and count for nothing
 */
export function mixWithPrior(
  samples: readonly { readonly task: string }[],
  mix: TaskMix,
  share: number,
): Record<string, number> {
  const offered = new Set(samples.map(({ task }) => task));
  const weights = Object.entries(mix).filter(([task]) => offered.has(task));
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return { ...mix, [PRIOR]: (total * share) / (1 - share) };
}
