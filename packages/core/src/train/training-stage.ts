import type { AdamW, tf } from '@unicharacter/native';
import type { Stage } from '../run/train-event.js';
import type { RunningMeans } from './running-means.js';
import type { Schedule } from './schedule.js';

/** What one step of a stage did, in numbers on the host. */
export interface StepOutcome {
  /** Tokens (or latent cells, for the autoencoder) that the step worked through; the unit of the throughput. */
  readonly tokens: number;
  /** Samples of each task. */
  readonly tasks?: Record<string, number>;
  /** `total` and its parts. */
  readonly losses: Record<string, number>;
  /** Global norm of the gradients before clipping. */
  readonly gradNorm: number;
  /** Mean reward `total` and its parts, for stages that learn from rewards. */
  readonly rewards?: Record<string, number>;
  /** Other numbers worth watching. */
  readonly measures?: Record<string, number>;
  /** Wall-clock seconds of the parts of the step, for stages that do more than learn. */
  readonly phases?: Record<string, number>;
}

/** What the training loop needs to know of a stage. */
export interface TrainingStage {
  readonly name: Stage;
  readonly steps: number;
  readonly schedule: Schedule;
  readonly trained: Trained;
  readonly optimizer: AdamW;
  /** Running means of the trained variables; absent when they are switched off. */
  readonly means?: RunningMeans | undefined;
  /**
   * Takes step `step` (0-based): computes and updates the weights. Depends on the weights, the step and the position only.
   * @throws AbortedError when the signal is aborted before any weight has changed
   */
  advance(step: number, lr: number, signal?: AbortSignal): Promise<StepOutcome>;
  /** What has to be remembered beside weights and optimizer state; JSON. */
  position(): Readonly<Record<string, number>>;
  /** Draws the fixed prompts at this many completed steps. */
  sample?(step: number): Promise<void>;
  /** Losses on held-out data; higher `score` is better and decides which checkpoint is the best. */
  validate?(step: number): { losses: Record<string, number>; score: number } | undefined;
}

/** The weights that a stage changes, and how they are kept. */
export interface Trained {
  /** What is trained, by the names in files. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Writes the weights into a checkpoint folder: loadable by itself, or with the base model for an adapter. */
  save(folder: string): void;
  /** Writes running means of the variables beside the weights. */
  saveMeans(folder: string, means: ReadonlyMap<string, tf.Tensor>): void;
  /** The safetensors file in `folder` that `saveMeans` writes, with the names of `variables`. */
  meansFile(folder: string): string;
}
