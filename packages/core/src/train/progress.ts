import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CheckpointRef, RunFolder } from '../run/run-folder.js';
import type { Stage } from '../run/train-event.js';
import { type CheckpointState, readState } from './checkpoint.js';

/** How far an earlier session came: the stage to go on with, and where from. */
export interface Progress {
  stage: Stage;
  /** Absent at the beginning of a stage. */
  checkpoint?: CheckpointRef;
  /** Absent when nothing has been saved yet. */
  state?: CheckpointState;
}

/** Finds the newest saved state of a run. @throws RunError when its `state.json` is damaged. */
export function findProgress(run: RunFolder): Progress {
  const sft = run.checkpoints.latest();
  if (sft) return { stage: 'sft', checkpoint: sft, state: readState(sft.path) };
  if (existsSync(run.vae)) return { stage: 'sft', state: readState(dirname(run.vae)) };
  const vae = run.vaeCheckpoints.latest();
  if (vae) return { stage: 'vae', checkpoint: vae, state: readState(vae.path) };
  return { stage: 'vae' };
}
