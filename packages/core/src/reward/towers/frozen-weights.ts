import { tf } from '@unicharacter/native';
import { type Affine, type Linear, WeightsError } from '../../model/weight-store.js';
import { hashFiles } from '../../tensor-io/content-hash.js';
import { openTensors, type TensorSource } from '../../tensor-io/index.js';

/** A tensor that a tower reads. */
export interface FrozenSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Other names under which published files store it. */
  readonly aliases?: readonly string[];
  /** May be absent. */
  readonly optional?: boolean;
  /** Belongs into the file, but nothing reads it. */
  readonly unused?: boolean;
}

/** Shape of a stored tensor by name; undefined for a name that no file holds. */
export type StoredShapes = (name: string) => readonly number[] | undefined;

/** Stored row numbers of position tables: they carry no information. */
const POSITION_IDS = /(^|\.)position_ids$/;

/** The linear layer `name.weight` [out, in] with `name.bias`. */
export const linearSpecs = (name: string, outputs: number, inputs: number): FrozenSpec[] => [
  { name: `${name}.weight`, shape: [outputs, inputs] },
  { name: `${name}.bias`, shape: [outputs] },
];

/** The norm `name.weight`, `name.bias`. */
export const normSpecs = (name: string, width: number): FrozenSpec[] => [
  { name: `${name}.weight`, shape: [width] },
  { name: `${name}.bias`, shape: [width] },
];

/** Weights by published name, as towers look them up; frozen in use, variables while a tower is trained. */
export interface TowerWeights {
  get<T extends tf.Tensor = tf.Tensor>(name: string): T;
  linear(name: string): Linear;
  affine(name: string): Affine;
}

/**
 * The weights of a frozen tower in float32, by published name. Kernels of convolutions are [out, in, kh, kw] in files
 * and [kh, kw, in, out] in memory.
 */
export class FrozenWeights implements TowerWeights {
  readonly #tensors: Map<string, tf.Tensor>;

  private constructor(
    tensors: Map<string, tf.Tensor>,
    /** SHA-256 of the files. */
    readonly sha256: string,
  ) {
    this.#tensors = tensors;
  }

  /**
   * Reads all tensors from the given files or folders (`model.safetensors` or a shard index).
   *
   * @param specs what to read; a function where widths are known from the stored shapes only
   * @param ignored names of further tensors that published files hold
   * @throws WeightsError naming every missing, unexpected and mis-shaped tensor at once
   */
  static async load(
    specs: readonly FrozenSpec[] | ((shapeOf: StoredShapes) => readonly FrozenSpec[]),
    paths: readonly string[],
    ignored?: RegExp,
  ): Promise<FrozenWeights> {
    const sources: TensorSource[] = [];
    const tensors = new Map<string, tf.Tensor>();
    try {
      for (const path of paths) sources.push(openTensors(path));
      const shapeOf: StoredShapes = (name) => sources.find((source) => source.has(name))?.info(name).shape;
      const wanted = typeof specs === 'function' ? specs(shapeOf) : specs;
      const located = locate(wanted, sources, paths, ignored);
      for (const { spec, source, key } of located) {
        if (!spec.unused) tensors.set(spec.name, readTensor(source, key, spec.shape));
      }
      const files = sources.flatMap((source) => source.names().map((name) => source.fileOf(name)));
      return new FrozenWeights(tensors, await hashFiles([...new Set(files)]));
    } catch (error) {
      tf.dispose([...tensors.values()]);
      throw error;
    } finally {
      for (const source of sources) source.close();
    }
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  get<T extends tf.Tensor = tf.Tensor>(name: string): T {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new WeightsError(`this tower has no tensor "${name}"`);
    return tensor as T;
  }

  linear(name: string): Linear {
    return {
      weight: this.get<tf.Tensor2D>(`${name}.weight`),
      bias: this.#tensors.has(`${name}.bias`) ? this.get<tf.Tensor1D>(`${name}.bias`) : null,
    };
  }

  affine(name: string): Affine {
    return { weight: this.get(`${name}.weight`), bias: this.get(`${name}.bias`) };
  }

  /** Replaces a tensor by parts of it under new names, such as one `qkv` by q, k and v. The parts are not copies. */
  split(name: string, parts: readonly string[]): void {
    const whole = this.get(name);
    tf.split(whole, parts.length, 0).forEach((part, i) => {
      this.#tensors.set(parts[i]!, tf.keep(part));
    });
    whole.dispose();
    this.#tensors.delete(name);
  }

  dispose(): void {
    tf.dispose([...this.#tensors.values()]);
    this.#tensors.clear();
  }
}

function readTensor(source: TensorSource, key: string, shape: readonly number[]): tf.Tensor {
  return tf.keep(
    tf.tidy(() => {
      const stored = tf.tensor(source.readFloat32(key), [...shape]);
      return shape.length === 4 ? tf.transpose(stored, [2, 3, 1, 0]) : stored;
    }),
  );
}

interface Located {
  readonly spec: FrozenSpec;
  readonly source: TensorSource;
  readonly key: string;
}

function locate(
  specs: readonly FrozenSpec[],
  sources: readonly TensorSource[],
  paths: readonly string[],
  ignored: RegExp | undefined,
): Located[] {
  const stored = new Map(sources.flatMap((source) => source.names().map((name) => [name, source] as const)));
  const located: Located[] = [];
  const missing: string[] = [];
  const misshaped: string[] = [];
  for (const spec of specs) {
    const key = [spec.name, ...(spec.aliases ?? [])].find((name) => stored.has(name));
    const source = key === undefined ? undefined : stored.get(key);
    if (key === undefined || source === undefined) {
      if (!spec.optional) missing.push(spec.name);
      continue;
    }
    const { shape } = source.info(key);
    if (shape.join() !== spec.shape.join()) {
      misshaped.push(`${key}: expected [${spec.shape}], found [${shape}] (${source.fileOf(key)})`);
    }
    stored.delete(key);
    located.push({ spec, source, key });
  }
  const unexpected = [...stored.keys()].filter((name) => !POSITION_IDS.test(name) && !ignored?.test(name));
  if (missing.length + misshaped.length + unexpected.length === 0) return located;
  const list = (title: string, names: readonly string[]) =>
    names.length === 0 ? '' : `\n${title} (${names.length}):\n  ${names.join('\n  ')}`;
  throw new WeightsError(
    `the weights in ${paths.join(', ')} do not fit the configuration of the tower.` +
      `${list('Missing', missing)}${list('Unexpected', unexpected)}${list('Wrong shape', misshaped)}\n` +
      'Check that configuration and weights belong together.',
  );
}
