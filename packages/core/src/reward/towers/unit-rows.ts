import { tf } from '@unicharacter/native';

/** Rows divided by their Euclidean norm, without an epsilon: [n, width]. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.div(x, tf.sqrt(tf.sum(tf.square(x), 1, true))) as tf.Tensor2D);
}
