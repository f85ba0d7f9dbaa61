import type * as tf from '../lib/tfjs.mjs';
import { engine, MathBackendCPU, util } from '../lib/tfjs.mjs';
import { type DeviceName, type NativeBinding, nativeBinding, type PhysCode } from './binding.js';
import { Command } from './command.js';
import { isStrict, traffic } from './counters.js';
import { UnsupportedKernelError } from './errors.js';
import { Entry, NativeStorage, normalised, staysOnHost } from './storage.js';

const { sizeFromShape } = util;

/** Bytes and buffers held by the addon. */
export interface MemoryStats {
  liveBytes: number;
  liveBuffers: number;
  /** Bytes of tensors that lie in mapped files; not part of `liveBytes`. */
  mappedBytes: number;
  peakBytes: number;
}

/**
 * The TensorFlow.js backend 'native'. Tensors live in native memory; values that only JavaScript has touched stay on
 * the host until a native kernel needs them. It extends the cpu backend so that every kernel without a native version
 * still works (counted, and forbidden in strict mode).
 */
export class NativeBackend extends MathBackendCPU {
  override data: NativeStorage;
  readonly binding: NativeBinding;
  /** Where the tensors live. */
  readonly device: DeviceName;
  private readonly command: Command;
  private readonly ops = new Map<string, number>();
  /** Kernels that run on host copies because the device has no version of them. */
  private readonly offDevice = new Set<number>();

  constructor() {
    super();
    this.binding = nativeBinding();
    this.device = this.binding.info().device;
    this.data = new NativeStorage(this, engine());
    this.command = new Command(this, this.binding);
    for (const [index, name] of this.binding.kernels().entries()) this.ops.set(name, index);
    for (const [index, there] of this.binding.kernelsOnDevice().entries()) {
      if (!there) this.offDevice.add(index);
    }
  }

  /** Begins a call of the C++ kernel `name`; see {@link Command}. */
  call(name: string): Command {
    const op = this.ops.get(name);
    if (op === undefined) {
      throw new Error(`The addon has no kernel ${name}: it was built from other sources. Build it again.`);
    }
    if (this.offDevice.has(op)) {
      if (isStrict())
        throw new UnsupportedKernelError(name, `it has no version for the device '${this.device}'`);
      traffic.fallbackKernels[name] = (traffic.fallbackKernels[name] ?? 0) + 1;
    }
    return this.command.begin(op);
  }

  /** Wraps a slot that the addon made. The backend owns it from now on. */
  adopt(slot: number, shape: number[], dtype: tf.DataType): tf.TensorInfo {
    const entry = new Entry(this.binding, dtype, sizeFromShape(shape), undefined);
    entry.slot = slot;
    return { dataId: this.data.create(entry), shape, dtype };
  }

  /** The same data under another shape; the caller gets a reference of its own. */
  alias(x: tf.TensorInfo, shape: number[], dtype: tf.DataType = x.dtype): tf.TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape, dtype };
  }

  /** Computes a successor of `x` and lets go of `x`; for chains of calls inside one kernel. */
  replace(x: tf.TensorInfo, f: (x: tf.TensorInfo) => tf.TensorInfo): tf.TensorInfo {
    try {
      return f(x);
    } finally {
      this.disposeData(x.dataId);
    }
  }

  /** Physical type of a tensor's values. */
  physOf(x: tf.TensorInfo): PhysCode {
    return this.data.get(x.dataId).phys;
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const entry = this.hostEntry(values, shape, dtype);
    // The caller keeps the array and may change it: long ones are copied to native memory now, short ones on the host.
    if (values !== undefined && values !== null && dtype !== 'string' && dtype !== 'complex64') {
      if (staysOnHost(entry.count)) entry.host = normalised(dtype, values, entry.count).slice();
      else entry.upload();
    }
    return this.data.create(entry);
  }

  override makeTensorInfo(
    shape: number[],
    dtype: tf.DataType,
    values?: tf.backend_util.BackendValues | string[],
  ): tf.TensorInfo {
    const encoded =
      dtype === 'string' && values !== undefined && values.length > 0 && util.isString(values[0] as string)
        ? (values as string[]).map((s) => util.encodeString(s))
        : (values as tf.backend_util.BackendValues);
    return { dataId: this.data.create(this.hostEntry(encoded, shape, dtype)), shape, dtype };
  }

  override move(
    dataId: object,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const entry = this.hostEntry(values, shape, dtype);
    entry.refCount = refCount;
    this.data.set(dataId, entry);
  }

  /** On a GPU the copy runs behind the kernels queued so far, and the event loop goes on meanwhile. */
  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    const entry = this.data.get(dataId);
    if (entry.host !== undefined || entry.slot < 0 || this.device === 'cpu') {
      return this.readSync(dataId);
    }
    return entry.downloadAsync();
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const entry = this.data.get(dataId);
    if (entry.dtype === 'complex64' || entry.dtype === 'string') return super.readSync(dataId);
    if (entry.host === undefined && entry.slot >= 0) return entry.download();
    return normalised(entry.dtype, entry.host, entry.count).slice();
  }

  /** Reads elements [from, from + count) of a numeric tensor. */
  readRange(dataId: object, from: number, count: number): Float32Array | Int32Array | Uint8Array {
    const entry = this.data.get(dataId);
    const into =
      entry.dtype === 'float32'
        ? new Float32Array(count)
        : entry.dtype === 'int32'
          ? new Int32Array(count)
          : new Uint8Array(count);
    this.binding.download(entry.nativeSlot(), into, from);
    return into;
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const entry = this.data.get(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    if (entry.complexTensorInfos !== undefined) {
      this.disposeData(entry.complexTensorInfos.real.dataId, true);
      this.disposeData(entry.complexTensorInfos.imag.dataId, true);
    }
    this.data.delete(dataId);
    return true;
  }

  override memory(): { unreliable: boolean; reasons: string[] } & MemoryStats {
    const { liveBytes, liveBuffers, mappedBytes, peakBytes } = this.binding.memory();
    return { unreliable: false, reasons: [], liveBytes, liveBuffers, mappedBytes, peakBytes };
  }

  override dispose(): void {
    this.data.clear();
  }

  private hostEntry(
    values: tf.backend_util.BackendValues | undefined,
    shape: number[],
    dtype: tf.DataType,
  ): Entry {
    return new Entry(this.binding, dtype, sizeFromShape(shape), values ?? undefined);
  }
}
