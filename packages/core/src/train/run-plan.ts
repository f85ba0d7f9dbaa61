import type { TrainConfig } from '../config/index.js';
import { configForSize, openBaseModel } from './base-model.js';
import { estimateTraining, type TrainingEstimate } from './estimate.js';
import type { MachineRates } from './machine-rates.js';
import { asPrior } from './prior.js';
import { sizedTasks } from './sized-tasks.js';
import { type PackPlan, planPacks } from './task-plan.js';
import { drawnMix, type HeldOutData, readTrainingData } from './training-data.js';

/** What a training would do, before it does anything. */
export interface RunPlan {
  /** Pictures of the data folder. */
  readonly pictures: number;
  /** Samples held out for validation. */
  readonly heldOut: number;
  readonly packs: PackPlan;
  readonly estimate: TrainingEstimate;
}

/**
 * Reads the data and counts what each task will really get, and what the stages will take. Nothing is written.
 * @param rates of another machine; those of this one are measured unless told
 */
export async function planRun(config: TrainConfig, rates?: MachineRates): Promise<RunPlan> {
  const data = await readTrainingData(config);
  const base = openBaseModel(config.base);
  const model = configForSize(base, config.image.size);
  const pictures = await data.pictures();
  const sized = (part: HeldOutData) => sizedTasks(part.samples, part.pictures, base.tokenizer, model);
  const parts = { own: { samples: data.samples, pictures }, prior: data.prior };
  const packs = planPacks(
    [...data.samples, ...asPrior(data.prior?.samples ?? [])],
    [...sized(parts.own), ...asPrior(parts.prior ? sized(parts.prior) : [])],
    { ...config, mix: drawnMix(data, config.sft) },
  );
  return {
    pictures: pictures.size,
    heldOut: data.heldOut.samples.length,
    packs,
    estimate: estimateTraining(config, { packs, ...(rates && { rates }) }),
  };
}
