import * as tf from '../../lib/tfjs.mjs';
import { hasKernel, runOne } from '../ops/dispatch.js';

/**
 * Euclidean norm over all elements of all tensors, as a scalar tensor; nothing is read to the host.
 * Zero for an empty list.
 */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (tensors.length === 0) return tf.scalar(0);
  if (hasKernel('GlobalNorm')) {
    const inputs = Object.fromEntries(tensors.map((x, i) => [`${i}`, x]));
    return runOne('GlobalNorm', inputs) as tf.Scalar;
  }
  return tf.tidy(() => tf.sqrt(tf.addN(tensors.map((x) => tf.sum(tf.square(x)))))) as tf.Scalar;
}
