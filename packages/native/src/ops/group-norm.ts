import * as tf from '../../lib/tfjs.mjs';
import { composedSilu } from './activations.js';
import { expectFloat, expectThat } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

export type GroupNormActivation = 'none' | 'silu';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedGroupNorm(
  x: tf.Tensor4D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  groups: number,
  eps: number,
  activation: GroupNormActivation,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const grouped = tf.reshape(x, [batch, height * width, groups, channels / groups]);
    const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const variance = tf.mean(tf.square(centred), [1, 3], true);
    const normal = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, eps))), x.shape);
    const y = tf.add(tf.mul(normal, weight), bias);
    return (activation === 'silu' ? composedSilu(y) : y) as tf.Tensor4D;
  });
}

/**
 * Group normalisation of an NHWC image batch, with an optional SiLU behind it (Wu & He 2018): channels fall into `groups`
 * runs of C/groups, each sample's run is normalised over height, width and channels with the biased variance, then scaled
 * and shifted per channel.
 *
 * @param x `[B, H, W, C]`
 * @param weight `[C]`
 * @param bias `[C]`
 * @param groups divides C
 * @throws Error naming the shapes when they do not fit
 */
export function groupNorm(
  x: tf.Tensor4D,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  groups: number,
  eps: number,
  activation: GroupNormActivation,
): tf.Tensor4D {
  expectFloat('groupNorm', { x, weight, bias });
  const channels = x.shape[3];
  const fits =
    x.rank === 4 &&
    Number.isInteger(groups) &&
    groups > 0 &&
    channels % groups === 0 &&
    [weight, bias].every((p) => p.rank === 1 && p.shape[0] === channels);
  expectThat(fits, 'groupNorm', `x [B, H, W, C] with C divisible by ${groups}, weight [C], bias [C]`, {
    x,
    weight,
    bias,
  });
  if (!hasKernel('GroupNorm')) return composedGroupNorm(x, weight, bias, groups, eps, activation);
  const attrs = { groups, eps, silu: activation === 'silu' };
  return runOne('GroupNorm', { x, weight, bias }, attrs) as tf.Tensor4D;
}
