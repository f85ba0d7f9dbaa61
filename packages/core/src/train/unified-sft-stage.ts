import { join } from 'node:path';
import { AdamW, randomNormal, tf } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import {
  chooseDropped,
  type MarkerIds,
  type PackedRow,
  packRow,
  sampleTokens,
  stageRow,
  type UnifiedModel,
} from '../model/index.js';
import { writeSafetensors } from '../tensor-io/index.js';
import { storedTensors } from './checkpoint.js';
import { KeyedRandom, streams } from './keyed-random.js';
import { PackSampler, type SamplerPosition } from './pack-sampler.js';
import type { EncodedTask } from './task-encoder.js';
import { lossRows, taskMeans } from './task-means.js';
import { EMA_FILE, type PreparedStep, type TrainingStage } from './training-stage.js';

/** File name of the unified model's weights in a checkpoint. */
export const MODEL_FILE = 'model.safetensors';

/**
 * Unified-SFT (spec 6): packs of all tasks, cross-entropy on answers and flow matching on pictures,
 * loss = ceWeight · CE + mseWeight · MSE.
 */
export class UnifiedSftStage implements TrainingStage {
  readonly name = 'sft';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  readonly precision;
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly optimizer: AdamW;
  readonly ema?: { readonly decay: number; readonly variables: readonly tf.Variable[] };
  private readonly config: TrainConfig['sft'];
  private readonly seed: number;
  private readonly sampler: PackSampler<EncodedTask>;

  constructor(
    private readonly model: UnifiedModel,
    samples: readonly EncodedTask[],
    private readonly markers: MarkerIds,
    { sft: config, seed, precision }: TrainConfig,
    private readonly sampling?: (step: number) => Promise<void>,
  ) {
    this.config = config;
    this.seed = seed;
    this.steps = config.steps;
    this.schedule = config.optimizer;
    this.clipNorm = config.optimizer.clipNorm;
    this.precision = precision;
    this.variables = new Map([...model.variables()].filter(([, variable]) => variable.trainable));
    this.optimizer = new AdamW(config.optimizer);
    this.sampler = new PackSampler(samples, config.mix, seed);
    if (config.emaDecay > 0) {
      const variables = [...this.variables.values()].map((variable) => tf.variable(variable, false));
      this.ema = { decay: config.emaDecay, variables };
    }
  }

  prepare(step: number): PreparedStep {
    const samples = this.sampler.pack(this.config.tokensPerPack, sampleTokens);
    const choices = samples.map((sample, index) => {
      const random = new KeyedRandom(this.seed, streams.conditionDropout, [step, index]);
      return { sample, dropped: chooseDropped(sample, this.config.conditionDropout, () => random.uniform()) };
    });
    const row = packRow(choices, this.model.config, this.markers);
    const staged = stageRow(row, this.model.config);
    const means = taskMeans(samples.map(lossRows));
    const noise = this.noise(row, streams.flowNoise, step);
    const posteriorNoise = this.noise(row, streams.latentPosterior, step);
    const inputs = {
      times: this.times(row, step),
      ...(noise && posteriorNoise ? { noise, posteriorNoise } : {}),
      recompute: this.config.activationCheckpointing,
    };
    const { ceWeight, mseWeight } = this.config;
    return {
      tokens: row.tokens,
      tasks: countTasks(samples),
      parts: means.names,
      losses: () => {
        const { ce, mse } = this.model.forwardTrain(staged, inputs);
        const text = ce ? tf.mul(tf.mean(ce), ceWeight) : tf.scalar(0);
        const image = mse ? tf.mul(tf.mean(mse), mseWeight) : tf.scalar(0);
        return { loss: tf.add(text, image) as tf.Scalar, parts: means.of(ce, mse) };
      },
      dispose: () => {
        staged.dispose();
        means.dispose();
        noise?.dispose();
        posteriorNoise?.dispose();
      },
    };
  }

  /** One logit-normal time step per picture, shifted (spec 2.13, 6.6). */
  private times(row: PackedRow, step: number): number[] {
    const shift = this.config.timestepShift;
    return row.latentImages.map((_, index) => {
      const normal = new KeyedRandom(this.seed, streams.timestep, [step, index]).normal();
      const time = 1 / (1 + Math.exp(-normal));
      return (shift * time) / (1 + (shift - 1) * time);
    });
  }

  /** Standard normal numbers in the shape of the row's latents. */
  private noise(row: PackedRow, stream: number, step: number): tf.Tensor2D | undefined {
    const { tokenDim } = this.model.config.latent;
    const tokens = row.latents.length / tokenDim;
    if (tokens === 0) return undefined;
    const key = { seed: this.seed, stream, counter: step };
    return randomNormal([tokens, tokenDim], key) as tf.Tensor2D;
  }

  position(): SamplerPosition {
    return this.sampler.position();
  }

  seek(position: SamplerPosition): void {
    this.sampler.seek(position);
  }

  /** Share of draws of each task. */
  shares(): Record<string, number> {
    return this.sampler.shares();
  }

  saveWeights(folder: string): void {
    this.model.save(join(folder, MODEL_FILE));
    if (!this.ema) return;
    const means = new Map<string, tf.Tensor>(this.model.variables());
    [...this.variables.keys()].forEach((name, index) => {
      means.set(name, this.ema!.variables[index]!);
    });
    writeSafetensors(join(folder, EMA_FILE), storedTensors(means), { format: 'pt' });
  }

  async sample(step: number): Promise<void> {
    await this.sampling?.(step);
  }

  dispose(): void {
    this.optimizer.dispose();
    tf.dispose([...(this.ema?.variables ?? [])]);
  }
}

function countTasks(samples: readonly EncodedTask[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { task } of samples) counts[task] = (counts[task] ?? 0) + 1;
  return counts;
}
