import type { Expert } from './checkpoint-names.js';

/** The projections of an expert that an adapter can update. */
export const LORA_PROJECTIONS = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type LoraProjection = (typeof LORA_PROJECTIONS)[number];

/** Size and place of a low-rank adapter (Hu et al. 2022). */
export interface LoraSettings {
  readonly rank: number;
  /** The update is scaled by alpha / rank, or alpha / √rank when rank-stabilised (Kalajdzievski 2023). */
  readonly alpha: number;
  readonly rankStabilised: boolean;
  /** Learn the length of each row of an updated weight apart from its direction: DoRA (Liu et al. 2024). */
  readonly dora: boolean;
  /** Updated projections of each expert; an empty list leaves an expert alone. */
  readonly targets: Readonly<Record<Expert, readonly LoraProjection[]>>;
}
