import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { LogMark } from '../run/event-log.js';
import { RunError } from '../run/run-error.js';
import { STATE_FILE } from '../run/run-folder.js';
import type { Stage } from '../run/train-event.js';
import { openSafetensors, writeSafetensors } from '../tensor-io/index.js';
import { storedTensors } from './stored-tensors.js';
import type { TrainingStage } from './training-stage.js';

/** `state.json` of a checkpoint: what the next step depends on beside weights and optimizer moments. */
export interface CheckpointState {
  version: 1;
  stage: Stage;
  /** Completed steps. All random numbers of a step are keyed by it. */
  step: number;
  /** What the stage counts, such as draws of the pack sampler. */
  position: Readonly<Record<string, number>>;
  /** Seconds of training so far. */
  seconds: number;
  /** The event log as it was: what comes later is repeated after a resume. */
  log: LogMark;
  /** Fingerprint of the training data. */
  data: string;
  /** How good the stage was when last measured (validation or reward), higher is better; null when it never was. */
  score: number | null;
}

const OPTIMIZER = 'optimizer.safetensors';

/** Fills a checkpoint folder: the stage's weights and running means, `optimizer.safetensors`, `state.json`. */
export function writeCheckpoint(folder: string, stage: TrainingStage, state: CheckpointState): void {
  stage.trained.save(folder);
  if (stage.means) stage.trained.saveMeans(folder, stage.means.variables);
  const { step, tensors } = stage.optimizer.state();
  const published = new Map([...stage.trained.variables].map(([name, variable]) => [variable.name, name]));
  const moments = new Map([...tensors].map(([key, moment]) => [renamed(key, published), moment]));
  writeSafetensors(join(folder, OPTIMIZER), storedTensors(moments), { step: String(step) });
  writeState(folder, state);
}

/** Writes `state.json` alone. */
export function writeState(folder: string, state: CheckpointState): void {
  writeFileAtomic(join(folder, STATE_FILE), `${JSON.stringify(state, null, 2)}\n`);
}

/** Reads `state.json`. @throws RunError naming the file when it is damaged or of another version. */
export function readState(folder: string): CheckpointState {
  const file = join(folder, STATE_FILE);
  let state: CheckpointState;
  try {
    state = JSON.parse(readFileSync(file, 'utf8')) as CheckpointState;
  } catch (error) {
    throw new RunError(
      `${file}: expected the JSON state of a checkpoint; delete ${folder} to use the one before`,
      { cause: error },
    );
  }
  if (state.version !== 1) {
    throw new RunError(`${file}: expected version 1, found ${state.version}; it is of another release`);
  }
  return state;
}

/** Loads optimizer moments and running means of a checkpoint into a stage whose weights are already loaded. */
export function restoreOptimizer(stage: TrainingStage, folder: string): void {
  const { tensors, metadata } = readTensors(join(folder, OPTIMIZER));
  const live = new Map([...stage.trained.variables].map(([name, variable]) => [name, variable.name]));
  const moments = new Map([...tensors].map(([key, moment]) => [renamed(key, live), moment]));
  stage.optimizer.load({ step: Number(metadata.step), tensors: moments });
  tf.dispose([...tensors.values()]);
  if (!stage.means) return;
  const means = readTensors(stage.trained.meansFile(folder)).tensors;
  for (const [name, variable] of stage.means.variables) variable.assign(means.get(name)!);
  tf.dispose([...means.values()]);
}

/** `<variable>.exp_avg` with the variable's name replaced: names in memory are made up anew in every process. */
function renamed(key: string, names: ReadonlyMap<string, string>): string {
  const dot = key.lastIndexOf('.');
  const name = names.get(key.slice(0, dot));
  if (name === undefined) throw new RunError(`optimizer state: no variable belongs to "${key}"`);
  return name + key.slice(dot);
}

function readTensors(path: string): {
  tensors: Map<string, tf.Tensor>;
  metadata: Readonly<Record<string, string>>;
} {
  const file = openSafetensors(path);
  try {
    const read = (name: string) => {
      const { dtype, shape } = file.info(name);
      return dtype === 'U8'
        ? tf.tensor(file.bytes(name), [...shape], 'bool')
        : tf.tensor(file.readFloat32(name), [...shape]);
    };
    const tensors = new Map(file.names().map((name) => [name, read(name)]));
    return { tensors, metadata: file.metadata };
  } finally {
    file.close();
  }
}
