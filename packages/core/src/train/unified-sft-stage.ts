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
import { KeyedRandom, streams } from '../random/keyed-random.js';
import { gradientStep, type Pass } from './gradient-step.js';
import type { SamplerPosition, SampleSource } from './pack-sampler.js';
import { RunningMeans } from './running-means.js';
import type { EncodedTask } from './task-encoder.js';
import { lossRows, StepMeans } from './task-means.js';
import type { StepOutcome, Trained, TrainingStage } from './training-stage.js';
import type { Validation } from './validation.js';

/** What a stage does beside learning. */
export interface StageExtras {
  /** Draws the fixed prompts. */
  readonly sample?: (step: number) => Promise<void>;
  /** Measures the losses on held-out samples. */
  readonly validation?: Validation | undefined;
}

/**
 * Unified-SFT (spec 6): packs of all tasks, cross-entropy on answers and flow matching on pictures,
 * loss = ceWeight · CE + mseWeight · MSE, both means over all packs of a step.
 */
export class UnifiedSftStage implements TrainingStage {
  readonly name = 'sft';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  readonly precision;
  readonly optimizer: AdamW;
  readonly means: RunningMeans | undefined;
  private readonly config: TrainConfig['sft'];
  private readonly seed: number;

  constructor(
    private readonly model: UnifiedModel,
    readonly trained: Trained,
    private readonly source: SampleSource<EncodedTask>,
    private readonly markers: MarkerIds,
    { sft: config, seed, precision }: Pick<TrainConfig, 'sft' | 'seed' | 'precision'>,
    private readonly extras: StageExtras = {},
  ) {
    this.config = config;
    this.seed = seed;
    this.steps = config.steps;
    this.schedule = config.optimizer;
    this.clipNorm = config.optimizer.clipNorm;
    this.precision = precision;
    this.optimizer = new AdamW(config.optimizer);
    this.means = config.emaDecay > 0 ? new RunningMeans(trained.variables, config.emaDecay) : undefined;
  }

  async advance(step: number, lr: number): Promise<StepOutcome> {
    const packs: EncodedTask[][] = [];
    while (packs.length < this.config.accumulation)
      packs.push(await this.source.pack(this.config.tokensPerPack, sampleTokens));
    return this.learn(packs, step, lr);
  }

  /** One update from given packs: the same samples in the same order give the same update, however they are packed. */
  async learn(packs: readonly (readonly EncodedTask[])[], step: number, lr: number): Promise<StepOutcome> {
    const means = new StepMeans(
      packs.map((samples) => samples.map(lossRows)),
      this.config.ceReweighting,
    );
    const draws = new StepDraws(this.seed, step, this.config);
    const rows = packs.map((samples) => {
      const row = packRow(draws.choices(samples), this.model.config, this.markers);
      return { samples, row, ...draws.places(row) };
    });
    const open = rows.map(({ samples, row, times, from }) => () => {
      return this.pass(
        row,
        times,
        draws.noise(row, from, this.model.config.latent.tokenDim),
        means.pass(samples.map(lossRows)),
      );
    });
    const { gradNorm, ...losses } = await gradientStep(this, lr, open, means.names);
    return {
      tokens: rows.reduce((sum, { row }) => sum + row.tokens, 0),
      tasks: countTasks(packs.flat()),
      losses,
      gradNorm: gradNorm!,
    };
  }

  private pass(
    row: PackedRow,
    times: readonly number[],
    noise: { noise: tf.Tensor2D; posteriorNoise: tf.Tensor2D } | undefined,
    means: ReturnType<StepMeans['pass']>,
  ): Pass {
    const staged = stageRow(row, this.model.config);
    const inputs = { times, ...noise, recompute: this.config.activationCheckpointing };
    const { ceWeight, mseWeight } = this.config;
    return {
      losses: () => {
        const { ce, mse } = this.model.forwardTrain(staged, inputs);
        const text = tf.mul(means.share('ce', ce) ?? tf.scalar(0), ceWeight);
        const image = tf.mul(means.share('mse', mse) ?? tf.scalar(0), mseWeight);
        return { loss: tf.add(text, image) as tf.Scalar, parts: means.parts(ce, mse) };
      },
      dispose: () => {
        staged.dispose();
        means.dispose();
        if (noise) tf.dispose([noise.noise, noise.posteriorNoise]);
      },
    };
  }

  position(): SamplerPosition {
    return this.source.position();
  }

  seek(position: SamplerPosition): void {
    this.source.seek(position);
  }

  async sample(step: number): Promise<void> {
    await this.extras.sample?.(step);
  }

  validate(): { losses: Record<string, number>; score: number } | undefined {
    const losses = this.extras.validation?.measure(this.precision);
    if (!losses) return undefined;
    const { ceWeight, mseWeight } = this.config;
    return { losses, score: -(ceWeight * (losses.ce ?? 0) + mseWeight * (losses.mse ?? 0)) };
  }

  dispose(): void {
    this.optimizer.dispose();
    this.means?.dispose();
  }
}

/** The random choices of a step, numbered through all of its packs in order. */
class StepDraws {
  #samples = 0;
  #images = 0;
  #latents = 0;

  constructor(
    private readonly seed: number,
    private readonly step: number,
    private readonly config: Pick<TrainConfig['sft'], 'conditionDropout' | 'timestepShift'>,
  ) {}

  /** Which conditions of the next samples are left out. */
  choices(samples: readonly EncodedTask[]) {
    return samples.map((sample) => {
      const random = new KeyedRandom(this.seed, streams.conditionDropout, [this.step, this.#samples++]);
      return { sample, dropped: chooseDropped(sample, this.config.conditionDropout, () => random.uniform()) };
    });
  }

  /** One logit-normal time step per picture of the next row, shifted (spec 2.13, 6.6), and where its noise begins. */
  places(row: PackedRow): { times: number[]; from: number } {
    const shift = this.config.timestepShift;
    const times = row.latentImages.map(() => {
      const normal = new KeyedRandom(this.seed, streams.timestep, [this.step, this.#images++]).normal();
      const time = 1 / (1 + Math.exp(-normal));
      return (shift * time) / (1 + (shift - 1) * time);
    });
    const from = this.#latents;
    this.#latents += row.latentPositions.length;
    return { times, from };
  }

  /** Standard normal numbers for the latents of a row, cut from those of the whole step; absent without latents. */
  noise(row: PackedRow, from: number, width: number) {
    const count = row.latentPositions.length;
    if (count === 0) return undefined;
    const cut = (stream: number) =>
      tf.tidy(() => {
        const whole = randomNormal([this.#latents, width], { seed: this.seed, stream, counter: this.step });
        return tf.slice(whole as tf.Tensor2D, [from, 0], [count, width]);
      });
    return { noise: cut(streams.flowNoise), posteriorNoise: cut(streams.latentPosterior) };
  }
}

function countTasks(samples: readonly EncodedTask[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { task } of samples) counts[task] = (counts[task] ?? 0) + 1;
  return counts;
}
