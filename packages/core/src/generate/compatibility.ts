/**
 * Where the published pipeline does what its authors would hardly choose again (spec §10.1), and whether to repeat it.
 * Everything false is this project's way and the default; the published weights work with both.
 */
export interface Compatibility {
  /** An image above the pixel budget shrinks by the ratio of the areas instead of its root (defect 13). */
  readonly areaRatio: boolean;
  /** The vision tower sees the picture that was already resized for the autoencoder, not the user's (defect 14). */
  readonly doubleResize: boolean;
  /** Condition pictures are random draws from their posterior instead of its mean (defect 12). */
  readonly randomPosterior: boolean;
  /** Text may be sampled from rows of the vocabulary that the tokenizer has no entry for (defect 10). */
  readonly unusedIds: boolean;
  /** A picture is planned with the prompt of the published script instead of the one that was trained (defect 3). */
  readonly scriptPlanPrompt: boolean;
}

const ALL = (value: boolean): Compatibility => ({
  areaRatio: value,
  doubleResize: value,
  randomPosterior: value,
  unusedIds: value,
  scriptPlanPrompt: value,
});

/** `reference` repeats all of them, `default` none; or choose one by one. */
export type CompatibilitySetting = 'default' | 'reference' | Partial<Compatibility>;

export function compatibility(setting: CompatibilitySetting = 'default'): Compatibility {
  if (typeof setting === 'string') return ALL(setting === 'reference');
  return { ...ALL(false), ...setting };
}
