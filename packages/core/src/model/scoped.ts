import { tf } from '@unicharacter/native';

/** `tf.tidy` for results in which some tensors may be absent: frees what `f` made except the tensors in its result. */
export function scoped<T>(f: () => T): T {
  return tf.tidy(f as unknown as () => tf.TensorContainer) as T;
}
