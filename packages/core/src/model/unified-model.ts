import {
  adviseMapped,
  currentPrecision,
  linearCrossEntropy,
  type Precision,
  packedAttention,
  silu,
  storedAs,
  tf,
} from '@unicharacter/native';
import { BRIDGES, EMBEDDING_NAME, HEAD_NAME, LATENT_TABLE_NAME, modelTensors } from './checkpoint-names.js';
import type { ModelConfig } from './config.js';
import { timestepFeatures } from './embeddings.js';
import { LayerStreamer } from './layer-streamer.js';
import type { LoadOptions } from './load-weights.js';
import type { LoraAdapter, LoraTarget } from './lora.js';
import { type ExpertSlices, MotTransformer, project } from './mot-transformer.js';
import { scoped } from './scoped.js';
import type { StagedRow } from './staged-row.js';
import { VisionTower } from './vision-tower.js';
import { type Linear, WeightStore } from './weight-store.js';

/** The random part of a training step. */
export interface TrainInputs {
  /** Time step in [0, 1] of each latent image of the row; those of clean images are ignored, they stay at 0. */
  readonly times: ArrayLike<number>;
  /** [latent tokens, token width] standard normal; absent when the row has no latents */
  readonly noise?: tf.Tensor2D;
  /** Standard normal of the same shape: draws the clean latents from their posteriors instead of taking the means. */
  readonly posteriorNoise?: tf.Tensor2D;
  /** Keep only layer inputs and run each layer again in the backward pass. */
  readonly recompute?: boolean;
  /** Predicted tokens are judged under softmax(logits / temperature), the distribution that replies are drawn from. Default 1. */
  readonly temperature?: number;
}

/** Losses of a row, not reduced; a kind that the row does not contain is null. */
export interface TrainLosses {
  /** Cross-entropy of each predicted token, [predictions] in the order of `ceLabels` */
  readonly ce: tf.Tensor1D | null;
  /** Squared velocity error of each target token, mean over its channels, [targets] */
  readonly mse: tf.Tensor1D | null;
}

/** What goes into the language model for a row, and what the velocity head has to predict. */
export interface TrainSequence {
  readonly slices: ExpertSlices;
  /** noise − clean latents, [latent tokens, token width] */
  readonly velocity: tf.Tensor2D | null;
}

/**
 * The unified model without the VAE: reads text, images and latents in one sequence, predicts text and velocities.
 *
 * Methods compute in the precision in force (`withAutocast`); training runs inside `valueAndGrads`.
 */
export class UnifiedModel {
  readonly config: ModelConfig;
  /** Precision in which contexts are read and pictures are drawn. Training sets its own around each step. */
  inferencePrecision: Precision = 'float32';
  readonly transformer: MotTransformer;
  readonly vision: VisionTower;
  readonly #weights: WeightStore;
  readonly #embedding: tf.Tensor2D;
  readonly #head: Linear;
  readonly #latentTable: tf.Tensor2D;
  #adapter: LoraAdapter | null = null;
  readonly #bridges: {
    readonly time1: Linear;
    readonly time2: Linear;
    readonly latentIn: Linear;
    readonly latentOut: Linear;
  };

  #streamed = false;

  private constructor(config: ModelConfig, weights: WeightStore) {
    this.config = config;
    this.#weights = weights;
    this.transformer = new MotTransformer(config.llm, weights);
    this.vision = new VisionTower(config.vit, weights);
    this.#embedding = weights.tensor(EMBEDDING_NAME);
    this.#head = { weight: weights.tensor(HEAD_NAME), bias: null };
    this.#latentTable = weights.tensor(LATENT_TABLE_NAME);
    this.#bridges = {
      time1: weights.linear(BRIDGES.time1),
      time2: weights.linear(BRIDGES.time2),
      latentIn: weights.linear(BRIDGES.latentIn),
      latentOut: weights.linear(BRIDGES.latentOut),
    };
  }

  /** Fresh weights; the same seed gives the same weights on every backend. */
  static init(config: ModelConfig, seed: number): UnifiedModel {
    return new UnifiedModel(config, WeightStore.fresh(modelTensors(config), seed));
  }

  /**
   * Weights from safetensors files, shard indexes or folders that hold either. Of several, the first that holds a tensor
   * wins: overlays come first (spec 1.7).
   *
   * @throws WeightsError listing every missing, unexpected and mis-shaped tensor
   */
  static load(config: ModelConfig, files: string | readonly string[], options?: LoadOptions): UnifiedModel {
    const list = typeof files === 'string' ? [files] : files;
    const model = new UnifiedModel(config, WeightStore.fromFiles(modelTensors(config), list, options));
    if (options?.read === 'streamed') model.#stream();
    return model;
  }

  #stream(): void {
    const { transformer } = this;
    this.#streamed = true;
    transformer.observer = new LayerStreamer((layer, expert) => transformer.layerWeights(layer, expert));
  }

  /** The trainable weights by published name. The two sin-cos tables are not trainable. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return this.#weights.variables();
  }

  /** All weights by published name, trainable or frozen. */
  tensors(): ReadonlyMap<string, tf.Tensor> {
    return this.#weights.tensors();
  }

  /** The adapter that the model computes with, or null. */
  get adapter(): LoraAdapter | null {
    return this.#adapter;
  }

  /**
   * Computes with an adapter from now on; null switches it off. Several adapters can lie side by side on one base: the
   * base is neither changed nor copied. The adapter stays the caller's.
   */
  useAdapter(adapter: LoraAdapter | null): void {
    for (const [name, projection] of this.transformer.projections) projection.update = adapter?.update(name);
    this.#adapter = adapter;
  }

  /** Runs `f` with another adapter (null: none) and puts the one in use back, also when `f` throws. */
  withAdapter<T>(adapter: LoraAdapter | null, f: () => T): T {
    const before = this.#adapter;
    this.useAdapter(adapter);
    try {
      return f();
    } finally {
      this.useAdapter(before);
    }
  }

  /** Weights of the modules that an adapter can update, by published name. */
  adapterTargets(): ReadonlyMap<string, LoraTarget> {
    return new Map(
      [...this.transformer.projections].map(([name, { weight }]) => [
        name,
        { out: weight.shape[0], in: weight.shape[1], weight },
      ]),
    );
  }

  /** Writes every weight under its published name; the file loads by itself. See `WeightStore.save`. */
  save(path: string, dtype?: 'F32' | 'BF16' | 'stored', metadata?: Readonly<Record<string, string>>): void {
    this.#weights.save(path, dtype, metadata);
  }

  dispose(): void {
    this.#weights.dispose();
  }

  /**
   * Embeddings [n, hidden] of ids int32 [n], the start of the residual stream: stored as bfloat16 only when the table is
   * and products are (spec 2.1).
   */
  embedText(ids: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => {
      const rows = tf.gather(this.#embedding, ids) as tf.Tensor2D;
      return currentPrecision() === 'bf16' ? rows : storedAs(rows, 'float32');
    });
  }

  /** Embedding of time steps in [0, 1]: [n, hidden] (spec 2.11). */
  embedTimes(times: ArrayLike<number>): tf.Tensor2D {
    const { time1, time2 } = this.#bridges;
    return tf.tidy(() => project(silu(project(timestepFeatures(times), time1)), time2));
  }

  /**
   * Latent tokens as inputs of the generation expert (spec 2.12).
   *
   * @param x [n, token width]
   * @param time [n, hidden] or [1, hidden], from `embedTimes`
   * @param positions int32 [n] in the latent position table
   */
  embedLatents(x: tf.Tensor2D, time: tf.Tensor2D, positions: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() =>
      tf.add(tf.add(project(x, this.#bridges.latentIn), time), tf.gather(this.#latentTable, positions)),
    );
  }

  /** Logits [n, vocabulary] of final hidden states [n, hidden] of the understanding expert. */
  logits(hidden: tf.Tensor2D): tf.Tensor2D {
    const logits = project(hidden, this.#head);
    if (this.#streamed) adviseMapped([this.#head.weight], 'release');
    return logits;
  }

  /** Velocities [n, token width] of final hidden states [n, hidden] of the generation expert. */
  velocities(hidden: tf.Tensor2D): tf.Tensor2D {
    return project(hidden, this.#bridges.latentOut);
  }

  /** Inputs of the language model for a row: x_t = (1 − t)·x₀ + t·ε at the latent slots (spec 2.13, 6.6). */
  trainSequence(row: StagedRow, { times, noise, posteriorNoise }: TrainInputs): TrainSequence {
    return scoped(() => {
      const text = this.embedText(row.textIds);
      const und = row.vit ? (tf.concat([text, this.vision.tokens(row.vit)], 0) as tf.Tensor2D) : text;
      if (!row.latents) return { slices: { und, gen: null }, velocity: null };
      const { positions, imageOf, images } = row.latents;
      const clean = drawnLatents(row.latents, posteriorNoise);
      if (!noise || times.length !== images.length) {
        throw new RangeError(
          `expected noise of shape [${clean.shape}] and ${images.length} time steps, ` +
            `found ${noise ? `[${noise.shape}]` : 'no noise'} and ${times.length} time steps`,
        );
      }
      const used = Float32Array.from(images, ({ target }, i) => (target ? (times[i] as number) : 0));
      const t = tf.gather(tf.tensor2d(used, [used.length, 1]), imageOf) as tf.Tensor2D;
      const noisy = tf.add(tf.mul(clean, tf.sub(1, t)), tf.mul(noise, t)) as tf.Tensor2D;
      const time = tf.gather(this.embedTimes(used), imageOf) as tf.Tensor2D;
      return {
        slices: { und, gen: this.embedLatents(noisy, time, positions) },
        velocity: tf.sub(noise, clean) as tf.Tensor2D,
      };
    });
  }

  /**
   * Velocities [latent tokens, token width] of all pictures of a row in given states, with gradient.
   *
   * @param states [latent tokens, token width]
   * @param times time step in [0, 1] of each picture of the row
   */
  rowVelocities(
    row: StagedRow,
    states: tf.Tensor2D,
    times: ArrayLike<number>,
    recompute = false,
  ): tf.Tensor2D {
    const { latents } = row;
    if (!latents || latents.images.length !== times.length) {
      throw new RangeError(
        `expected one time step for each of ${latents?.images.length ?? 0} pictures, found ${times.length}`,
      );
    }
    return tf.tidy(() => {
      const und = this.embedText(row.textIds);
      const time = tf.gather(this.embedTimes(times), latents.imageOf) as tf.Tensor2D;
      const gen = this.embedLatents(states, time, latents.positions);
      return this.velocities(this.trainHidden(row, { und, gen }, recompute).gen as tf.Tensor2D);
    });
  }

  /** Final hidden states of a row, understanding and generation slices (memory order). */
  trainHidden(row: StagedRow, slices: ExpertSlices, recompute = false): ExpertSlices {
    return this.transformer.forward(
      slices,
      row.positions,
      (_, q, k, v) => packedAttention(q, k, v, row.layout),
      recompute,
    );
  }

  /** Forward pass of a training row up to the losses per token (spec 6.6). */
  forwardTrain(row: StagedRow, inputs: TrainInputs): TrainLosses {
    return scoped(() => {
      const { slices, velocity } = this.trainSequence(row, inputs);
      const hidden = this.trainHidden(row, slices, inputs.recompute);
      return {
        ce: this.textLosses(row, hidden, inputs.temperature),
        mse: this.velocityLosses(row, hidden, velocity),
      };
    });
  }

  /** Cross-entropy [predictions] over all vocabulary rows, of softmax(logits / temperature). */
  textLosses(row: StagedRow, { und }: ExpertSlices, temperature = 1): tf.Tensor1D | null {
    if (!row.ce || !und) return null;
    const { rows, labels } = row.ce;
    return tf.tidy(() => {
      const hidden = tf.gather(und, rows) as tf.Tensor2D;
      // The head has no bias, so that dividing its input divides the logits, which never exist all at once.
      const scaled = temperature === 1 ? hidden : (tf.div(hidden, temperature) as tf.Tensor2D);
      return linearCrossEntropy(scaled, this.#head.weight, labels);
    });
  }

  /** Mean squared velocity error of each target token [targets]. */
  velocityLosses(row: StagedRow, { gen }: ExpertSlices, velocity: tf.Tensor2D | null): tf.Tensor1D | null {
    const targets = row.latents?.targets;
    if (!targets || !gen || !velocity) return null;
    return tf.tidy(() => {
      const predicted = this.velocities(tf.gather(gen, targets) as tf.Tensor2D);
      return tf.mean(tf.squaredDifference(predicted, tf.gather(velocity, targets)), 1) as tf.Tensor1D;
    });
  }
}

function drawnLatents(
  { clean, deviations }: NonNullable<StagedRow['latents']>,
  noise?: tf.Tensor2D,
): tf.Tensor2D {
  return deviations && noise ? (tf.add(clean, tf.mul(deviations, noise)) as tf.Tensor2D) : clean;
}
