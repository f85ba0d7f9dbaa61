import type { AdamW, tf } from '@unicharacter/native';
import type { Stage } from '../run/train-event.js';
import type { Schedule } from './schedule.js';

/** File name of the running mean of the weights in a checkpoint; written only when it is on. */
export const EMA_FILE = 'ema.safetensors';

/** One optimizer step, ready to be differentiated. */
export interface PreparedStep {
  /** Tokens (or pixels, for the autoencoder) that the step works through; the unit of the throughput. */
  tokens: number;
  /** Samples of each task. */
  tasks?: Record<string, number>;
  /** Names of the parts that `losses` reports beside the total. */
  parts: readonly string[];
  /** The loss, and the value of each part, [parts]. Runs inside the gradient driver. */
  losses(): { loss: tf.Scalar; parts: tf.Tensor1D };
  /** Frees what was prepared. */
  dispose(): void;
}

/** What the training loop needs to know of a stage. */
export interface TrainingStage {
  readonly name: Stage;
  readonly steps: number;
  readonly schedule: Schedule;
  /** Global L2 norm that gradients are clipped to; 0 clips nothing. */
  readonly clipNorm: number;
  readonly precision: 'bf16' | 'float32';
  /** What is trained, by published name. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly optimizer: AdamW;
  /** Running mean of the variables, in the same order; absent when it is switched off. */
  readonly ema?: { readonly decay: number; readonly variables: readonly tf.Variable[] };
  /** Prepares step `step` (0-based). Depends on the step and on the position only. */
  prepare(step: number): PreparedStep;
  /** What has to be remembered beside weights and optimizer state; JSON. */
  position(): Readonly<Record<string, number>>;
  /** Writes the weights, complete and loadable, into a checkpoint folder. */
  saveWeights(folder: string): void;
  /** Draws the fixed prompts at this many completed steps. */
  sample?(step: number): Promise<void>;
}
