import type { tf } from '@unicharacter/native';
import type { StoredTensor } from '../tensor-io/index.js';

/** Tensors for `writeSafetensors`, as F32 or, those of type bool, as bytes; each comes to the host when it is written. */
export function storedTensors(tensors: ReadonlyMap<string, tf.Tensor>): StoredTensor[] {
  return [...tensors].map(
    ([name, tensor]) =>
      ({
        name,
        dtype: tensor.dtype === 'bool' ? 'U8' : 'F32',
        shape: tensor.shape,
        get data() {
          return tensor.dataSync();
        },
      }) as StoredTensor,
  );
}
