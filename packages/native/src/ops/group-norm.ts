import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { composedSilu } from './activations.js';
import { expectFloat, expectThat } from './check.js';
import { computesInBf16, hasKernel, runMany } from './dispatch.js';

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
  const attrs = { groups, eps, silu: activation === 'silu', bf16: computesInBf16() };
  const [y, statistics] = runMany('GroupNorm', { x, weight, bias }, attrs);
  statistics!.dispose();
  return y as tf.Tensor4D;
}

interface GroupNormAttrs {
  groups: number;
  eps: number;
  silu: boolean;
  /** Store the result as bf16. */
  bf16: boolean;
}

type Inputs = { x: tf.TensorInfo; weight: tf.TensorInfo; bias: tf.TensorInfo };

/** Native kernels of `groupNorm`; the C++ side is cpp/cpu/group_norm.cc. The second output, statistics, is for the gradient. */
export const groupNormKernels: NativeKernel[] = [
  kernel<Inputs, GroupNormAttrs>('GroupNorm', (args) => {
    const { x, weight, bias } = args.inputs;
    const { groups, eps, silu, bf16 } = args.attrs;
    const call = args.backend.call('GroupNorm').tensor(x).tensor(weight).tensor(bias);
    call.int(groups).flag(silu).flag(bf16).real(eps);
    return call.outputs([x.shape, [x.shape[0]!, 2, groups]], 'float32');
  }),
  kernel<Inputs & { statistics: tf.TensorInfo; dy: tf.TensorInfo }, GroupNormAttrs>(
    'GroupNormGrad',
    (args) => {
      const { x, weight, bias, statistics, dy } = args.inputs;
      const call = args.backend.call('GroupNormGrad').tensor(x).tensor(weight).tensor(bias);
      call.int(args.attrs.groups).flag(args.attrs.silu).tensor(statistics).tensor(dy);
      return call.outputs([x.shape, weight.shape, bias.shape], 'float32');
    },
  ),
];

tf.registerGradient({
  kernelName: 'GroupNorm',
  inputsToSave: ['x', 'weight', 'bias'],
  outputsToSave: [false, true],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight, bias, statistics] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const { groups, silu } = attrs as unknown as GroupNormAttrs;
    const inputs = { x, weight, bias, statistics, dy: (dy as tf.Tensor[])[0]! };
    const [dx, dWeight, dBias] = runMany('GroupNormGrad', inputs, { groups, silu });
    return { x: () => dx!, weight: () => dWeight!, bias: () => dBias! };
  },
});
