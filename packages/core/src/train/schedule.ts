/** Learning rate over the steps of a stage. */
export interface Schedule {
  /** Peak learning rate. */
  lr: number;
  /** Linear warm-up over this many steps, starting at lr / warmupSteps. */
  warmupSteps: number;
  /** After the warm-up: `constant`, or half a cosine down to `minLr` at the last step. */
  decay: 'constant' | 'cosine';
  minLr: number;
}

/**
 * The learning rate of one step.
 * @param step 0-based index of the step that is about to be taken
 * @param steps steps of the whole stage
 */
export function learningRate(step: number, steps: number, schedule: Schedule): number {
  const { lr, warmupSteps, decay, minLr } = schedule;
  if (step < warmupSteps) return (lr * (step + 1)) / warmupSteps;
  if (decay === 'constant') return lr;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - 1 - warmupSteps));
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
