import { adviseMapped, bfloat16Tensor, canMapFiles, MappedFile, tf } from '@unicharacter/native';
import { openTensors, type TensorSource } from '../tensor-io/index.js';
import type { TensorSpec } from './checkpoint-names.js';
import { freshTensor } from './fresh-weights.js';
import { type LocatedTensor, locateTensors } from './locate-tensors.js';
import { isConvolution, toMemoryLayout } from './weight-layout.js';

/** How far loading has come. */
export interface LoadProgress {
  readonly tensors: number;
  readonly totalTensors: number;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly seconds: number;
  /** 10⁹ bytes per second so far. */
  readonly gigabytesPerSecond: number;
}

export interface LoadOptions {
  /**
   * Which weights become float32 variables. The others are frozen: constants with the numbers of the file in the type of
   * the file, used where they lie on disk without a copy. Default all.
   */
  readonly trainable?: 'all' | 'none' | ((name: string) => boolean);
  /**
   * `now` (the default) reads frozen weights while loading; `lazily` leaves them on disk until a kernel uses them;
   * `streamed` does too, and gives each layer of the language model back after use, see `LayerStreamer`.
   */
  readonly read?: 'now' | 'lazily' | 'streamed';
  /** Called after each tensor. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Is a weight a variable under these options? The computed position tables never are. */
export function isTrainable(spec: TensorSpec, { trainable = 'all' }: LoadOptions): boolean {
  if (spec.init.kind === 'table') return false;
  return typeof trainable === 'function' ? trainable(spec.name) : trainable === 'all';
}

/**
 * Reads every weight from safetensors files, shard indexes or folders that hold either; see `locateTensors`.
 *
 * @param keep takes each weight, kept from tidying; after an error the caller disposes what it was given
 */
export function loadWeights(
  specs: readonly TensorSpec[],
  files: readonly string[],
  options: LoadOptions,
  keep: (name: string, weight: tf.Tensor) => void,
): void {
  const sources: TensorSource[] = [];
  const maps = new Map<number, MappedFile>();
  try {
    for (const file of files) sources.push(openTensors(file));
    const located = locateTensors(specs, sources, files);
    const progress = new ProgressMeter(specs, located, options);
    for (const spec of specs) {
      const found = located.get(spec.name);
      keep(spec.name, found ? readWeight(spec, found, options, maps) : tf.keep(freshTensor(spec, 0)));
      progress.add(spec.name);
    }
  } finally {
    for (const map of maps.values()) map.close();
    for (const source of sources) source.close();
  }
}

function readWeight(
  spec: TensorSpec,
  found: LocatedTensor,
  options: LoadOptions,
  maps: Map<number, MappedFile>,
): tf.Tensor {
  if (isTrainable(spec, options)) {
    const initial = tf.tidy(() =>
      toMemoryLayout(tf.tensor(found.source.readFloat32(found.key), [...spec.shape])),
    );
    const variable = tf.variable(initial);
    initial.dispose();
    return variable;
  }
  const frozen = tf.tidy(() => toMemoryLayout(frozenTensor(spec, found, maps)));
  if ((options.read ?? 'now') === 'now' && !isConvolution(spec.shape)) adviseMapped([frozen], 'load');
  return tf.keep(frozen);
}

/** The numbers of the file as they are: mapped where device, type and alignment allow it, else copied in their type. */
function frozenTensor(
  { shape }: TensorSpec,
  { source, key }: LocatedTensor,
  maps: Map<number, MappedFile>,
): tf.Tensor {
  const { dtype } = source.info(key);
  const size = [...shape];
  const native = tf.getBackend() === 'native';
  if (!native || dtype === 'F16') return tf.tensor(source.readFloat32(key), size);
  const { descriptor, fileBytes, offset } = source.place(key);
  const narrow = dtype === 'BF16';
  if (!canMapFiles() || offset % (narrow ? 2 : 4) !== 0 || size.includes(0)) {
    return narrow ? bfloat16Tensor(bitsOf(source, key), size) : tf.tensor(source.readFloat32(key), size);
  }
  let map = maps.get(descriptor);
  if (!map) {
    map = new MappedFile(descriptor, fileBytes);
    maps.set(descriptor, map);
  }
  return map.tensor(offset, size, narrow ? 'bfloat16' : 'float32');
}

function bitsOf(source: TensorSource, key: string): Uint16Array {
  return new Uint16Array(source.bytes(key).buffer as ArrayBuffer);
}

class ProgressMeter {
  readonly #sizes: Map<string, number>;
  readonly #totalBytes: number;
  readonly #report: LoadOptions['onProgress'];
  readonly #start = performance.now();
  #tensors = 0;
  #bytes = 0;

  constructor(
    specs: readonly TensorSpec[],
    located: ReadonlyMap<string, LocatedTensor>,
    { onProgress }: LoadOptions,
  ) {
    this.#report = onProgress;
    this.#sizes = new Map(specs.map(({ name, shape }) => [name, storedBytes(shape, located.get(name))]));
    this.#totalBytes = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  add(name: string): void {
    this.#tensors += 1;
    this.#bytes += this.#sizes.get(name) as number;
    const seconds = (performance.now() - this.#start) / 1000;
    this.#report?.({
      tensors: this.#tensors,
      totalTensors: this.#sizes.size,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      seconds,
      gigabytesPerSecond: seconds > 0 ? this.#bytes / 1e9 / seconds : 0,
    });
  }
}

/** Bytes that a weight takes in its file; none for a computed table. */
function storedBytes(shape: readonly number[], found: LocatedTensor | undefined): number {
  if (!found) return 0;
  const size = found.source.info(found.key).dtype === 'F32' ? 4 : 2;
  return shape.reduce((product, n) => product * n, size);
}
