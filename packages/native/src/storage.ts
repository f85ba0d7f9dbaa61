import type * as tf from '../lib/tfjs.mjs';
import { DataStorage, engine } from '../lib/tfjs.mjs';
import { type NativeBinding, Phys, type PhysCode } from './binding.js';
import { traffic } from './counters.js';
import { DisposedTensorError } from './errors.js';

export type HostValues = Float32Array | Int32Array | Uint8Array;

/** Arrays up to this length keep their host copy after an upload, so that scalars can be passed as immediates. */
const SMALL = 16;

/** The bytes of one tensor: on the host, in a native slot, or in both. */
export class Entry {
  refCount: number;
  /** Native slot, or -1 while the values are only on the host. */
  slot = -1;
  /** Where the entry stands in the list of its storage. */
  place = -1;
  /** Values on the host; absent once they live in native memory only. */
  host: tf.backend_util.BackendValues | undefined;
  /** Counts the times that the values were replaced or changed in place. */
  changes = 0;
  complexTensorInfos?: { real: tf.TensorInfo; imag: tf.TensorInfo };

  constructor(
    private readonly binding: NativeBinding,
    readonly dtype: tf.DataType,
    /** Number of elements. */
    readonly count: number,
    host: tf.backend_util.BackendValues | undefined,
    refCount = 1,
  ) {
    this.host = host;
    this.refCount = refCount;
  }

  /** Host values for the JavaScript kernels; downloads them when they are native. */
  get values(): tf.backend_util.BackendValues {
    if (this.host === undefined && this.slot >= 0) this.host = this.download();
    // An output that a JavaScript kernel has just made has no values yet; the type of the base class hides that.
    return this.host as tf.backend_util.BackendValues;
  }

  set values(values: tf.backend_util.BackendValues) {
    this.free();
    this.host = values;
    this.changes++;
  }

  /** Physical type of the native copy. Values that were never uploaded count as their natural type. */
  get phys(): PhysCode {
    if (this.slot >= 0) return this.binding.physOf(this.slot);
    return this.dtype === 'float32' ? Phys.f32 : this.dtype === 'int32' ? Phys.i32 : Phys.u8;
  }

  /** The native slot, uploading the host values if need be. */
  nativeSlot(): number {
    if (this.slot < 0) this.upload();
    return this.slot;
  }

  /** A fresh typed array of exactly the tensor's size: Float32Array, Int32Array or (bool) Uint8Array. */
  download(): HostValues {
    const into = allocate(this.dtype, this.count);
    this.binding.download(this.slot, into);
    traffic.downloads++;
    traffic.downloadBytes += into.byteLength;
    return into;
  }

  /** As {@link download}, without blocking; the tensor may be disposed of at once. */
  downloadAsync(): Promise<HostValues> {
    const into = allocate(this.dtype, this.count);
    traffic.downloads++;
    traffic.downloadBytes += into.byteLength;
    return this.binding.downloadAsync(this.slot, into);
  }

  /** The native contents were changed in place: the host copy is stale. */
  touch(): void {
    this.host = undefined;
    this.changes++;
  }

  free(): void {
    if (this.slot >= 0) {
      this.binding.release(this.slot);
      this.slot = -1;
    }
  }

  upload(): void {
    const array = normalised(this.dtype, this.host, this.count);
    this.slot = this.binding.upload(array);
    traffic.uploads++;
    traffic.uploadBytes += array.byteLength;
    if (this.count > SMALL) this.host = undefined;
  }
}

function allocate(dtype: tf.DataType, count: number): HostValues {
  if (dtype === 'float32') return new Float32Array(count);
  if (dtype === 'int32') return new Int32Array(count);
  if (dtype === 'bool') return new Uint8Array(count);
  throw new Error(`A tensor of type ${dtype} has no native form`);
}

/** Host values as the typed array that belongs to `dtype`; core writes other array kinds at times. */
export function normalised(
  dtype: tf.DataType,
  values: tf.backend_util.BackendValues | undefined,
  count: number,
): HostValues {
  if (values === undefined || values === null) {
    throw new Error(`A ${dtype} tensor of ${count} elements was read before its values were written`);
  }
  if (values.length !== count) {
    throw new Error(`A ${dtype} tensor of ${count} elements was given ${values.length} values`);
  }
  if (dtype === 'float32')
    return values instanceof Float32Array ? values : Float32Array.from(values as Int32Array);
  if (dtype === 'int32')
    return values instanceof Int32Array ? values : Int32Array.from(values as Float32Array);
  if (dtype === 'bool') return values instanceof Uint8Array ? values : Uint8Array.from(values as Int32Array);
  throw new Error(`A tensor of type ${dtype} has no native form`);
}

/** True for a list that is short enough to stay on the host until a kernel needs it. */
export function staysOnHost(count: number): boolean {
  return count <= SMALL;
}

/** A data id that carries its entry: no map look-up on the hot path. */
class NativeDataId {
  entry: Entry | undefined;
  constructor(
    readonly owner: NativeStorage,
    entry: Entry,
  ) {
    this.entry = entry;
  }
}

/** Data ids of one backend. Ids that were made by another backend are kept in the map of the base class. */
export class NativeStorage extends DataStorage<Entry> {
  /** In no order: the last one takes the place of one that goes. A Set here costs 0.1 µs per tensor. */
  private readonly live: Entry[] = [];

  create(entry: Entry): object {
    this.enlist(entry);
    return new NativeDataId(this, entry);
  }

  override get(dataId: object): Entry {
    if (dataId instanceof NativeDataId && dataId.owner === this && dataId.entry !== undefined)
      return dataId.entry;
    // What nobody owns any more cannot be moved here either.
    if (!super.has(dataId) && !engine().state.tensorInfo.has(dataId)) throw new DisposedTensorError();
    return super.get(dataId);
  }

  override set(dataId: object, entry: Entry): void {
    this.enlist(entry);
    super.set(dataId, entry);
  }

  override has(dataId: object): boolean {
    if (dataId instanceof NativeDataId && dataId.owner === this)
      return dataId.entry !== undefined || super.has(dataId);
    return super.has(dataId);
  }

  override delete(dataId: object): boolean {
    const entry = this.has(dataId) ? this.get(dataId) : undefined;
    if (entry === undefined) return false;
    this.strike(entry);
    entry.free();
    if (dataId instanceof NativeDataId && dataId.owner === this && dataId.entry !== undefined) {
      dataId.entry = undefined;
      return true;
    }
    return super.delete(dataId);
  }

  override numDataIds(): number {
    return this.live.length;
  }

  /** Frees every slot: the backend is being removed. */
  clear(): void {
    for (const entry of this.live) {
      entry.free();
      entry.place = -1;
    }
    this.live.length = 0;
  }

  private enlist(entry: Entry): void {
    if (entry.place >= 0) return;
    entry.place = this.live.length;
    this.live.push(entry);
  }

  private strike(entry: Entry): void {
    if (entry.place < 0) return;
    const last = this.live.pop()!;
    if (last !== entry) {
      this.live[entry.place] = last;
      last.place = entry.place;
    }
    entry.place = -1;
  }
}
