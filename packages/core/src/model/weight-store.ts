import { storedType, tf } from '@unicharacter/native';
import { writeSafetensors } from '../tensor-io/index.js';
import type { TensorSpec } from './checkpoint-names.js';
import { freshTensor } from './fresh-weights.js';
import { isTrainable, type LoadOptions, loadWeights } from './load-weights.js';
import { WeightsError } from './locate-tensors.js';
import type { RowLengths } from './row-lengths.js';
import { fileShape, toFileLayout } from './weight-layout.js';

export { WeightsError };

/** A low-rank change of a linear layer: W + scale·B·A with A [rank, in] and B [out, rank]. */
export interface LowRankUpdate {
  readonly a: tf.Tensor2D;
  readonly b: tf.Tensor2D;
  readonly scale: number;
  /** Lengths that the rows of the changed weight are given; absent where they stay as they come out. */
  readonly rows?: RowLengths;
}

/** A linear layer y = x·Wᵀ + b with W [out, in]. */
export interface Linear {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D | null;
  /** Added to the weight by the adapter in use; absent without one. */
  update?: LowRankUpdate | undefined;
}

/** Scale and offset of a layer or group norm, each [channels]. */
export interface Affine {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/**
 * The weights of one model under their published names. Each is either trainable, a float32 variable, or frozen, a
 * constant in the type of its file (see `LoadOptions`). Convolutions are OIHW in files and HWIO in memory.
 */
export class WeightStore {
  readonly #weights: Map<string, tf.Tensor>;

  private constructor(weights: Map<string, tf.Tensor>) {
    this.#weights = weights;
  }

  /** Fresh weights, all trainable but the position tables; the same seed gives the same weights on every backend. */
  static fresh(specs: readonly TensorSpec[], seed: number): WeightStore {
    return WeightStore.#collect((keep) => {
      for (const spec of specs) {
        const initial = tf.tidy(() => freshTensor(spec, seed));
        keep(spec.name, isTrainable(spec, {}) ? tf.variable(initial) : tf.keep(initial.clone()));
        initial.dispose();
      }
    });
  }

  /**
   * Weights from safetensors files or shard indexes. Of several files the first that holds a tensor wins, so overlays
   * come first. Names without the `language_model.` prefix are accepted; position tables that no file holds are computed.
   *
   * @throws WeightsError naming every missing, unexpected and mis-shaped tensor at once
   */
  static fromFiles(
    specs: readonly TensorSpec[],
    files: readonly string[],
    options: LoadOptions = {},
  ): WeightStore {
    return WeightStore.#collect((keep) => loadWeights(specs, files, options, keep));
  }

  static #collect(fill: (keep: (name: string, weight: tf.Tensor) => void) => void): WeightStore {
    const weights = new Map<string, tf.Tensor>();
    try {
      fill((name, weight) => weights.set(name, weight));
    } catch (error) {
      tf.dispose([...weights.values()]);
      throw error;
    }
    return new WeightStore(weights);
  }

  /** All weights by published name. */
  tensors(): ReadonlyMap<string, tf.Tensor> {
    return this.#weights;
  }

  /** The trainable weights by published name. */
  variables(): ReadonlyMap<string, tf.Variable> {
    const entries = [...this.#weights].filter(([, weight]) => weight instanceof tf.Variable);
    return new Map(entries as [string, tf.Variable][]);
  }

  has(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Any weight. @throws WeightsError when the model has none of this name */
  tensor<T extends tf.Tensor = tf.Tensor>(name: string): T {
    const weight = this.#weights.get(name);
    if (!weight) throw new WeightsError(`this model has no tensor "${name}"`);
    return weight as T;
  }

  /** The linear layer `name.weight` [out, in] with `name.bias` where that exists. */
  linear(name: string): Linear {
    const bias = `${name}.bias`;
    return { weight: this.tensor(`${name}.weight`), bias: this.has(bias) ? this.tensor(bias) : null };
  }

  /** The norm `name.weight`, `name.bias`. */
  affine(name: string): Affine {
    return { weight: this.tensor(`${name}.weight`), bias: this.tensor(`${name}.bias`) };
  }

  /**
   * Writes all weights in file layout, complete and loadable. One tensor is on the host at a time.
   *
   * @param dtype `stored` keeps frozen bfloat16 weights in that type and writes the rest as F32
   */
  save(
    path: string,
    dtype: 'F32' | 'BF16' | 'stored' = 'F32',
    metadata: Readonly<Record<string, string>> = {},
  ): void {
    const kind = (weight: tf.Tensor) => (storedType(weight) === 'bfloat16' ? 'BF16' : 'F32');
    const stored = [...this.#weights].map(([name, weight]) => ({
      name,
      dtype: dtype === 'stored' ? kind(weight) : dtype,
      shape: fileShape(weight.shape),
      get data(): Float32Array {
        return toFileLayout(weight);
      },
    }));
    writeSafetensors(path, stored, { format: 'pt', ...metadata });
  }

  dispose(): void {
    tf.dispose([...this.#weights.values()]);
    this.#weights.clear();
  }
}
