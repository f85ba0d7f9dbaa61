import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AddonMissingError } from './errors.js';

/** Physical element type of a slot, as numbered in cpp/runtime/phys.h. */
export const Phys = { f32: 0, bf16: 1, i32: 2, u8: 3 } as const;
export type PhysCode = (typeof Phys)[keyof typeof Phys];

export type NativeArray = Float32Array | Int32Array | Uint8Array | Uint16Array;

/** What addon/unicharacter_native.node exports; see cpp/napi/addon.cc. */
export interface NativeBinding {
  /** Runs kernel `op` on the command in the blocks; returns the first output slot or -1. */
  run(op: number): number;
  release(slot: number): void;
  setBlocks(ints: Int32Array, reals: Float64Array, results: Int32Array): void;
  /** Copies an array into a new slot; a Uint16Array holds bf16 bits. */
  upload(values: NativeArray): number;
  /** Fills `into` with elements [from, from + into.length) of a slot. */
  download(slot: number, into: NativeArray, from?: number): void;
  /** As download(), for a promise of `into`; the slot may be released at once. */
  downloadAsync<T extends NativeArray>(slot: number, into: T, from?: number): Promise<T>;
  physOf(slot: number): PhysCode;
  /** Maps the open file of `length` bytes; slots can be made in it until `unmapFile`. */
  mapFile(descriptor: number, length: number): number;
  unmapFile(file: number): void;
  /** A read-only slot of `count` elements from byte `offset` of a mapped file on. */
  mapSlot(file: number, offset: number, count: number, phys: PhysCode): number;
  advise(slot: number, advice: number): void;
  kernels(): string[];
  /** For each of kernels(), whether it has a version for the device in use. */
  kernelsOnDevice(): boolean[];
  /** Where tensors live from now on; throws while there are tensors, or when there is no such device. */
  useDevice(name: DeviceName): void;
  memory(): Record<
    'liveBytes' | 'liveBuffers' | 'mappedBytes' | 'peakBytes' | 'cachedBytes' | 'limitBytes',
    number
  >;
  resetPeak(): void;
  /** Gives cached memory back to the operating system. */
  trim(): void;
  /** Threads that kernels of this JavaScript thread may use, 1 to 1024. */
  setThreads(count: number): void;
  info(): NativeInfo;
}

/** What the addon was built with and runs on. */
export interface NativeInfo {
  /** Version, or null when it was built without. */
  onednn: string | null;
  /** Where tensors live. */
  device: DeviceName;
  /** Whether a GPU is usable. */
  cuda: boolean;
  /** Name and compute capability of that GPU. */
  gpu: string | null;
  /** File of the cuBLASLt library that the GPU's matrix products use, or null: plain kernels, many times slower. */
  cublasLt: string | null;
  /** What -march was. */
  isa: string;
  threads: number;
}

/** Where the tensors of the backend live and its kernels run. */
export type DeviceName = 'cpu' | 'cuda';

// UNICHARACTER_ADDON names another build of the addon, such as the one whose device 'cuda' is emulated on the host.
const addonPath =
  process.env.UNICHARACTER_ADDON ??
  join(dirname(dirname(fileURLToPath(import.meta.url))), 'addon', 'unicharacter_native.node');
let loaded: NativeBinding | undefined;

/** The addon, loaded on first use. Throws {@link AddonMissingError} when it has not been built. */
export function nativeBinding(): NativeBinding {
  if (loaded === undefined) {
    // Idle OpenMP threads spin before they sleep. The default (milliseconds) makes a busy machine several times slower.
    process.env.GOMP_SPINCOUNT ??= '1000';
    try {
      loaded = createRequire(import.meta.url)(addonPath) as NativeBinding;
    } catch (error) {
      throw new AddonMissingError(addonPath, error);
    }
  }
  return loaded;
}
