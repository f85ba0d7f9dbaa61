import * as tf from '../../lib/tfjs.mjs';
import { expectFloat, expectThat, lastSize } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedRmsNorm(x: tf.Tensor, weight: tf.Tensor1D, eps: number): tf.Tensor {
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, eps))), weight);
  });
}

/**
 * Root-mean-square normalisation over the last dimension: `y = weight · x / √(mean(x²) + eps)`.
 * No mean subtraction, no bias (specification §2.2; Zhang & Sennrich 2019, eq. 4). Statistics are float32.
 *
 * @param x `[..., D]`
 * @param weight `[D]`
 * @throws Error naming the shapes when they do not fit
 */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, eps: number): T {
  expectFloat('rmsNorm', { x, weight });
  const fits = x.rank >= 1 && weight.rank === 1 && weight.shape[0] === lastSize(x);
  expectThat(fits, 'rmsNorm', 'x [..., D], weight [D]', { x, weight });
  const y = hasKernel('RmsNorm')
    ? runOne('RmsNorm', { x, weight }, { eps })
    : composedRmsNorm(x, weight, eps);
  return y as T;
}
