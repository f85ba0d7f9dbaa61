import type * as tf from '../lib/tfjs.mjs';
import type { NativeBackend } from './backend.js';
import { type NativeBinding, Phys, type PhysCode } from './binding.js';
import { traffic } from './counters.js';

const INITIAL_INTS = 1 << 14;
const INITIAL_REALS = 1 << 10;
const RESULTS = 1 << 12;

/**
 * Builder of one call into the addon. Arguments are written in the order in which the C++ kernel reads them
 * (cpp/runtime/args.h); `output()` or `outputs()` runs the kernel. There is one builder per backend: all inputs must
 * exist before `backend.call()` begins a command, and a begun command must be run before the next one begins.
 */
export class Command {
  private ints = new Int32Array(INITIAL_INTS);
  private reals = new Float64Array(INITIAL_REALS);
  private readonly results = new Int32Array(RESULTS);
  private intCount = 0;
  private realCount = 0;
  private op = -1;

  constructor(
    private readonly backend: NativeBackend,
    private readonly binding: NativeBinding,
  ) {
    binding.setBlocks(this.ints, this.reals, this.results);
  }

  begin(op: number): this {
    this.op = op;
    this.intCount = 2;
    this.realCount = 0;
    return this;
  }

  /** A tensor that the kernel reads. `shape` replaces the tensor's own shape (same number of elements). */
  tensor(info: tf.TensorInfo, shape: number[] = info.shape): this {
    this.int(this.backend.data.get(info.dataId).nativeSlot());
    return this.dims(shape);
  }

  /** A length-prefixed list of tensors that the kernel reads. */
  tensors(infos: readonly tf.TensorInfo[]): this {
    this.int(infos.length);
    for (const info of infos) this.tensor(info);
    return this;
  }

  /** As {@link tensor}, but a single value that is on the host is passed as an immediate instead of being uploaded. */
  operand(info: tf.TensorInfo): this {
    const entry = this.backend.data.get(info.dataId);
    if (entry.slot < 0 && entry.count === 1 && entry.host !== undefined) {
      const phys: PhysCode =
        entry.dtype === 'float32' ? Phys.f32 : entry.dtype === 'int32' ? Phys.i32 : Phys.u8;
      this.int(-2 - phys);
      this.dims(info.shape);
      return this.real(entry.host[0] as number);
    }
    this.int(entry.nativeSlot());
    return this.dims(info.shape);
  }

  /** A tensor that may be absent. */
  optional(info: tf.TensorInfo | undefined | null): this {
    return info === undefined || info === null ? this.int(-1) : this.tensor(info);
  }

  /** A tensor that the kernel changes in place. */
  inPlace(info: tf.TensorInfo, shape: number[] = info.shape): this {
    const entry = this.backend.data.get(info.dataId);
    // The mark of runtime/args.h: what was derived from the values before is dropped.
    this.int(-10);
    this.int(entry.nativeSlot());
    entry.touch();
    return this.dims(shape);
  }

  int(value: number): this {
    if (this.intCount === this.ints.length) this.grow();
    this.ints[this.intCount++] = value;
    return this;
  }

  flag(value: boolean): this {
    return this.int(value ? 1 : 0);
  }

  real(value: number): this {
    if (this.realCount === this.reals.length) this.grow();
    this.reals[this.realCount++] = value;
    return this;
  }

  /** A length-prefixed list: a shape, axes, a permutation. */
  dims(values: ArrayLike<number>): this {
    const n = values.length;
    this.int(n);
    for (let i = 0; i < n; i++) this.int(values[i]!);
    return this;
  }

  /** Runs the kernel without outputs (it changed its arguments in place). */
  run(): number {
    this.ints[0] = this.intCount - 2;
    this.ints[1] = this.realCount;
    traffic.nativeCalls++;
    return this.binding.run(this.op);
  }

  /** Runs the kernel and wraps its first output. */
  output(shape: number[], dtype: tf.DataType): tf.TensorInfo {
    return this.backend.adopt(this.run(), shape, dtype);
  }

  /** Runs the kernel and wraps its outputs in order. */
  outputs(shapes: number[][], dtypes: tf.DataType | tf.DataType[]): tf.TensorInfo[] {
    this.run();
    return shapes.map((shape, i) =>
      this.backend.adopt(this.results[i + 1]!, shape, typeof dtypes === 'string' ? dtypes : dtypes[i]!),
    );
  }

  private grow(): void {
    const ints = new Int32Array(this.ints.length * 2);
    ints.set(this.ints);
    const reals = new Float64Array(this.reals.length * 2);
    reals.set(this.reals);
    this.ints = ints;
    this.reals = reals;
    this.binding.setBlocks(ints, reals, this.results);
  }
}
