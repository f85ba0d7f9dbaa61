import type { TrainConfig } from '../../config/index.js';
import { KeyedRandom, streams } from '../../random/keyed-random.js';

/** Where the stochastic steps of a group lie. */
export interface WindowPlace {
  readonly seed: number;
  /** 0-based, of `epochs`. */
  readonly epoch: number;
  readonly epochs: number;
  /** Number of the group in its epoch. */
  readonly group: number;
}

/**
 * First step of the window: fixed, drawn anew for each group, or sliding over the epochs from the noisy to the clean end
 * (Li et al. 2025, "MixGRPO").
 */
export function windowStart(window: TrainConfig['grpo']['window'], place: WindowPlace): number {
  const { schedule, size, from, to } = window;
  const places = to - size - from + 1;
  switch (schedule) {
    case 'fixed':
      return from;
    case 'random':
      return (
        from + new KeyedRandom(place.seed, streams.grpoWindow, [place.epoch, place.group]).integer(places)
      );
    case 'sliding':
      return from + Math.floor((place.epoch * places) / place.epochs);
  }
}
