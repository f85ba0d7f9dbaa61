import type { RewardModel } from './reward-model.js';

/**
 * Judges every picture against one description in the place of its own prompt: how a character looks, where prompts only name
 * it. A view of `alignment`, which keeps the network: disposing this one frees nothing.
 */
export function describedReward(alignment: RewardModel, description: string, name: string): RewardModel {
  return {
    name,
    provenance: { ...alignment.provenance, description },
    score: (samples) => alignment.score(samples.map((sample) => ({ ...sample, prompt: description }))),
    dispose: () => {},
  };
}
