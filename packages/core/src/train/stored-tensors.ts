import type { tf } from '@unicharacter/native';
import type { StoredTensor } from '../tensor-io/index.js';

/** Tensors for `writeSafetensors`; each comes to the host when it is written. */
export function storedTensors(tensors: ReadonlyMap<string, tf.Tensor>): StoredTensor[] {
  return [...tensors].map(([name, tensor]) => ({
    name,
    dtype: 'F32',
    shape: tensor.shape,
    get data(): Float32Array {
      return tensor.dataSync<'float32'>();
    },
  }));
}
