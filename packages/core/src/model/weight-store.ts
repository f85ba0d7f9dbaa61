import { randomNormal, tf } from '@unicharacter/native';
import { openTensors, type TensorSource, writeSafetensors } from '../tensor-io/index.js';
import { publishedName, type TensorSpec } from './checkpoint-names.js';
import { sinCosTable } from './embeddings.js';

/** Raised when files and configuration disagree; the message lists every tensor at fault. */
export class WeightsError extends Error {
  override name = 'WeightsError';
}

/** A low-rank change of a linear layer: W + scale·B·A with A [rank, in] and B [out, rank]. */
export interface LowRankUpdate {
  readonly a: tf.Tensor2D;
  readonly b: tf.Tensor2D;
  readonly scale: number;
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
 * The weights of one model as variables under their published names.
 *
 * Convolutions are OIHW in files and HWIO in memory; everything else has the same layout in both.
 */
export class WeightStore {
  readonly #variables: Map<string, tf.Variable>;

  private constructor(variables: Map<string, tf.Variable>) {
    this.#variables = variables;
  }

  /**
   * Fresh weights. Each is drawn from a random stream of its own, keyed by seed and name, so that a weight does not
   * depend on which others exist.
   */
  static fresh(specs: readonly TensorSpec[], seed: number): WeightStore {
    return WeightStore.#fill(specs, (spec) => freshTensor(spec, seed));
  }

  /**
   * Weights from safetensors files or shard indexes. Of several files the first that holds a tensor wins, so overlays
   * come first. Names without the `language_model.` prefix are accepted; position tables that no file holds are computed.
   *
   * @throws WeightsError naming every missing, unexpected and mis-shaped tensor at once
   */
  static fromFiles(specs: readonly TensorSpec[], files: readonly string[]): WeightStore {
    const sources: TensorSource[] = [];
    try {
      for (const file of files) sources.push(openTensors(file));
      const located = locate(specs, sources, files);
      return WeightStore.#fill(specs, (spec) => {
        const found = located.get(spec.name);
        if (!found) return tf.tensor(freshTable(spec), [...spec.shape]);
        return toMemoryLayout(found.source.readFloat32(found.key), spec.shape);
      });
    } finally {
      for (const source of sources) source.close();
    }
  }

  static #fill(specs: readonly TensorSpec[], make: (spec: TensorSpec) => tf.Tensor): WeightStore {
    const variables = new Map<string, tf.Variable>();
    try {
      for (const spec of specs) {
        const initial = tf.tidy(() => make(spec));
        variables.set(spec.name, tf.variable(initial, spec.init.kind !== 'table'));
        initial.dispose();
      }
    } catch (error) {
      for (const variable of variables.values()) variable.dispose();
      throw error;
    }
    return new WeightStore(variables);
  }

  /** All weights by published name; the sin-cos tables are not trainable. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return this.#variables;
  }

  get(name: string): tf.Variable {
    const variable = this.#variables.get(name);
    if (!variable) throw new WeightsError(`this model has no tensor "${name}"`);
    return variable;
  }

  /** The linear layer `name.weight` [out, in] with `name.bias` where that exists. */
  linear(name: string): Linear {
    const bias = this.#variables.get(`${name}.bias`);
    return {
      weight: this.get(`${name}.weight`) as tf.Tensor as tf.Tensor2D,
      bias: (bias as tf.Tensor1D | undefined) ?? null,
    };
  }

  /** The norm `name.weight`, `name.bias`. */
  affine(name: string): Affine {
    return {
      weight: this.get(`${name}.weight`) as tf.Tensor as tf.Tensor1D,
      bias: this.get(`${name}.bias`) as tf.Tensor as tf.Tensor1D,
    };
  }

  /** Writes all weights in file layout, complete and loadable. One tensor is on the host at a time. */
  save(path: string, dtype: 'F32' | 'BF16' = 'F32', metadata: Readonly<Record<string, string>> = {}): void {
    const stored = [...this.#variables].map(([name, variable]) => {
      const shape = fileShape(variable.shape);
      return {
        name,
        dtype,
        shape,
        get data(): Float32Array {
          return toFileLayout(variable);
        },
      };
    });
    writeSafetensors(path, stored, { format: 'pt', ...metadata });
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    this.#variables.clear();
  }
}

function freshTensor(spec: TensorSpec, seed: number): tf.Tensor {
  const { init } = spec;
  const shape = [...spec.shape];
  if (init.kind === 'zeros') return tf.zeros(shape);
  if (init.kind === 'ones') return tf.ones(shape);
  if (init.kind === 'table') return tf.tensor(freshTable(spec), shape);
  const values = tf.mul(
    randomNormal(memoryShape(shape), { seed, stream: nameStream(spec.name), counter: 0 }),
    init.std,
  );
  return values;
}

function freshTable(spec: TensorSpec): Float32Array {
  if (spec.init.kind !== 'table') throw new WeightsError(`"${spec.name}" is not a computed table`);
  return sinCosTable(spec.init.side, spec.shape[1] as number);
}

/** A random stream number for a name: 32-bit FNV-1a. */
export function nameStream(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Kernels [O, I, kh, kw] in files are [kh, kw, I, O] in memory. */
const memoryShape = (s: readonly number[]) => (s.length === 4 ? [s[2]!, s[3]!, s[1]!, s[0]!] : [...s]);
const fileShape = (s: readonly number[]) => (s.length === 4 ? [s[3]!, s[2]!, s[0]!, s[1]!] : [...s]);

function toMemoryLayout(values: Float32Array, shape: readonly number[]): tf.Tensor {
  const stored = tf.tensor(values, [...shape]);
  return shape.length === 4 ? tf.transpose(stored, [2, 3, 1, 0]) : stored;
}

function toFileLayout(variable: tf.Variable): Float32Array {
  return tf.tidy(
    () => (variable.rank === 4 ? tf.transpose(variable, [3, 2, 0, 1]) : variable).dataSync() as Float32Array,
  );
}

interface Located {
  readonly source: TensorSource;
  readonly key: string;
}

function locate(
  specs: readonly TensorSpec[],
  sources: readonly TensorSource[],
  files: readonly string[],
): Map<string, Located> {
  const wanted = new Map(specs.map((spec) => [spec.name, spec]));
  const located = new Map<string, Located>();
  const unexpected: string[] = [];
  const misshaped: string[] = [];
  for (const source of sources) {
    for (const key of source.names()) {
      const name = publishedName(key);
      const spec = wanted.get(name);
      if (!spec) {
        unexpected.push(`${key} (${source.fileOf(key)})`);
      } else if (!located.has(name)) {
        located.set(name, { source, key });
        const { shape } = source.info(key);
        if (shape.join() !== spec.shape.join()) {
          misshaped.push(`${key}: expected [${spec.shape}], found [${shape}] (${source.fileOf(key)})`);
        }
      }
    }
  }
  const missing = specs
    .filter((spec) => !located.has(spec.name) && spec.init.kind !== 'table')
    .map((spec) => spec.name);
  if (missing.length + unexpected.length + misshaped.length > 0) {
    const list = (title: string, names: string[]) =>
      names.length === 0 ? '' : `\n${title} (${names.length}):\n  ${names.join('\n  ')}`;
    throw new WeightsError(
      `the weights in ${files.join(', ')} do not fit the model configuration.` +
        `${list('Missing', missing)}${list('Unexpected', unexpected)}${list('Wrong shape', misshaped)}\n` +
        'Check that configuration files and weights belong together.',
    );
  }
  return located;
}
