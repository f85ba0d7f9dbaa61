import * as tf from '../../lib/tfjs.mjs';
import { expectFloat, expectThat, lastSize } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedLayerNorm(
  x: tf.Tensor,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  eps: number,
): tf.Tensor {
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, eps))), weight), bias);
  });
}

/**
 * Layer normalisation over the last dimension: `y = weight · (x − mean) / √(variance + eps) + bias`, with the biased
 * variance (Ba et al. 2016, eq. 3). Statistics are float32.
 *
 * @param x `[..., D]`
 * @param weight `[D]`
 * @param bias `[D]`
 * @throws Error naming the shapes when they do not fit
 */
export function layerNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, bias: tf.Tensor1D, eps: number): T {
  expectFloat('layerNorm', { x, weight, bias });
  const size = lastSize(x);
  const fits = x.rank >= 1 && [weight, bias].every((p) => p.rank === 1 && p.shape[0] === size);
  expectThat(fits, 'layerNorm', 'x [..., D], weight [D], bias [D]', { x, weight, bias });
  const y = hasKernel('LayerNorm')
    ? runOne('LayerNorm', { x, weight, bias }, { eps })
    : composedLayerNorm(x, weight, bias, eps);
  return y as T;
}
