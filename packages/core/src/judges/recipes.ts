/** How the shipped judges are trained. */
export interface JudgeRecipe {
  /** Random characters, one picture each. */
  readonly pictures: number;
  readonly steps: number;
  readonly batchSize: number;
  /** Peak learning rate. */
  readonly lr: number;
  /** Seed of the pictures; those to measure with come from the next seed. */
  readonly pictureSeed: number;
  /** Seed of weights and batches. */
  readonly seed: number;
}

export const READER_RECIPE: JudgeRecipe = {
  pictures: 20_000,
  steps: 3_000,
  batchSize: 48,
  lr: 2e-3,
  pictureSeed: 21,
  seed: 21,
};
export const CLIP_RECIPE: JudgeRecipe = {
  pictures: 12_000,
  steps: 1_800,
  batchSize: 64,
  lr: 1e-3,
  pictureSeed: 31,
  seed: 3,
};
