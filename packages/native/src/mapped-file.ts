import * as tf from '../lib/tfjs.mjs';
import type { NativeBackend } from './backend.js';
import { nativeBinding, Phys } from './binding.js';
import type { StoredType } from './ops/stored-as.js';

/** What will be done with mapped weights, see {@link adviseMapped}; numbered as in cpp/runtime/mapped_file.h. */
const ADVICE = { willNeed: 0, load: 1, release: 2 } as const;
export type Advice = keyof typeof ADVICE;

/**
 * A file mapped read-only into memory, so that weights are used where they lie on disk: no copy is made, unused parts are
 * never read, and processes share the pages.
 *
 * Mapped tensors are constants: kernels that change a tensor in place refuse them. They count as `mappedBytes` in
 * `memoryStats()`, not as live bytes. The mapping ends when this object is closed and the last tensor on it is disposed.
 */
export class MappedFile {
  readonly #file: number;
  #open = true;

  /**
   * @param descriptor of an open file; may be closed afterwards. The mapping is of this file even if its name is reused.
   * @param length bytes of the file when its header was read
   * @throws Error when the file is not a regular one or has another length
   */
  constructor(descriptor: number, length: number) {
    this.#file = nativeBinding().mapFile(descriptor, length);
  }

  /**
   * The `type` numbers from byte `offset` on as a float32 tensor.
   *
   * @throws Error when the backend is not 'native', when the numbers leave the file, or when `offset` is not a multiple of
   *   the element size
   */
  tensor(offset: number, shape: number[], type: StoredType): tf.Tensor {
    if (tf.getBackend() !== 'native') {
      throw new Error(
        `tensors are mapped by the backend 'native' only, the current one is '${tf.getBackend()}'`,
      );
    }
    const count = tf.util.sizeFromShape(shape);
    const phys = type === 'float32' ? Phys.f32 : Phys.bf16;
    const slot = nativeBinding().mapSlot(this.#file, offset, count, phys);
    const info = (tf.backend() as unknown as NativeBackend).adopt(slot, shape, 'float32');
    return tf.engine().makeTensorFromTensorInfo(info);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    nativeBinding().unmapFile(this.#file);
  }
}

/**
 * Tells the operating system what will happen to mapped tensors: `willNeed` starts reading them from the disk and returns,
 * `load` reads them before it returns, `release` takes them out of this process's memory until they are used again.
 * Tensors that are not mapped are left alone.
 */
export function adviseMapped(tensors: Iterable<tf.Tensor>, advice: Advice): void {
  const backend = tf.backend() as unknown as NativeBackend;
  for (const tensor of tensors) {
    const { slot } = backend.data.get(tensor.dataId);
    if (slot >= 0) backend.binding.advise(slot, ADVICE[advice]);
  }
}

/** Can files be mapped as tensors? Only by the backend 'native' with the memory of the processor. */
export function canMapFiles(): boolean {
  return tf.getBackend() === 'native' && (tf.backend() as unknown as NativeBackend).device === 'cpu';
}
