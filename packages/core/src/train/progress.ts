import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TrainConfig } from '../config/index.js';
import type { CheckpointFolder, CheckpointRef, RunFolder } from '../run/run-folder.js';
import type { Stage } from '../run/train-event.js';
import { type CheckpointState, readState } from './checkpoint.js';
import { TrainError } from './train-error.js';

/** How far an earlier session came: the stage to go on with, and where from. */
export interface Progress {
  stage: Stage;
  /** Absent at the beginning of a stage. */
  checkpoint?: CheckpointRef;
  /** Absent when nothing has been saved yet. */
  state?: CheckpointState;
}

/** The stages that build on the autoencoder, in the order in which they follow each other. */
export const LATER_STAGES = ['sft', 'grpo', 'text-grpo'] as const;
export type LaterStage = (typeof LATER_STAGES)[number];

/** The stages that a configuration asks for, in order. A stage without steps is left out of `all`. */
export function wantedStages({ stage, grpo, textGrpo }: TrainConfig): LaterStage[] {
  if (stage !== 'all') return [stage];
  const steps = { sft: 1, grpo: grpo.epochs, 'text-grpo': textGrpo.epochs };
  return LATER_STAGES.filter((name) => steps[name] > 0);
}

/** The checkpoints of a stage. */
export function checkpointsOf(run: RunFolder, stage: LaterStage): CheckpointFolder {
  return { sft: run.checkpoints, grpo: run.grpo, 'text-grpo': run.textGrpo }[stage];
}

/** Steps of a stage. */
export function stepsOf({ sft, grpo, textGrpo }: TrainConfig, stage: LaterStage): number {
  return { sft: sft.steps, grpo: grpo.epochs, 'text-grpo': textGrpo.epochs }[stage];
}

/** Has the stage taken its last step? */
export function isFinished(run: RunFolder, config: TrainConfig, stage: LaterStage): boolean {
  return checkpointsOf(run, stage).latest()?.step === stepsOf(config, stage);
}

/**
 * Checks that the stages before the first wanted one are done.
 * @throws TrainError
 */
export function checkOrder(run: RunFolder, config: TrainConfig): void {
  const [first] = wantedStages(config);
  if (first === 'sft' || isFinished(run, config, 'sft')) return;
  throw new TrainError(
    `${run.root}: the stage "${config.stage}" goes on from a finished Unified-SFT, and there is none; ` +
      'train the stage "sft" first, or "all" for one after the other',
  );
}

/** Finds the newest saved state of a run. @throws RunError when its `state.json` is damaged. */
export function findProgress(run: RunFolder): Progress {
  for (const stage of LATER_STAGES.toReversed()) {
    const checkpoint = checkpointsOf(run, stage).latest();
    if (checkpoint) return { stage, checkpoint, state: readState(checkpoint.path) };
  }
  if (existsSync(run.vae)) return { stage: 'sft', state: readState(dirname(run.vae)) };
  const vae = run.vaeCheckpoints.latest();
  if (vae) return { stage: 'vae', checkpoint: vae, state: readState(vae.path) };
  return { stage: 'vae' };
}
