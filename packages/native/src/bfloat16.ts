import * as tf from '../lib/tfjs.mjs';
import type { NativeBackend } from './backend.js';
import { Phys } from './binding.js';
import type { StoredType } from './ops/stored-as.js';

const native = () => tf.backend() as unknown as NativeBackend;

/** A float32 tensor stored as bfloat16, from bit patterns. @throws Error when the backend is not 'native' */
export function bfloat16Tensor(bits: Uint16Array, shape: number[]): tf.Tensor {
  if (tf.getBackend() !== 'native') {
    throw new Error(
      `bfloat16 values are stored by the backend 'native' only, the current one is '${tf.getBackend()}'`,
    );
  }
  const count = tf.util.sizeFromShape(shape);
  if (bits.length !== count)
    throw new Error(`expected ${count} values for shape [${shape}], found ${bits.length}`);
  const backend = native();
  const info = backend.adopt(backend.binding.upload(bits), shape, 'float32');
  return tf.engine().makeTensorFromTensorInfo(info);
}

/** How the numbers of a float32 tensor are stored. */
export function storedType(tensor: tf.Tensor): StoredType {
  if (tf.getBackend() !== 'native') return 'float32';
  return native().physOf(tensor) === Phys.bf16 ? 'bfloat16' : 'float32';
}
