import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';

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
    ? runOne('LayerNorm', { x, weight, bias }, { eps, bf16: computesInBf16() })
    : composedLayerNorm(x, weight, bias, eps);
  return y as T;
}

interface LayerNormAttrs {
  eps: number;
  /** Store the result as bf16. */
  bf16: boolean;
}

/** Native kernels of `layerNorm`; the C++ side is cpp/cpu/norm.cc. */
export const layerNormKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo; weight: tf.TensorInfo; bias: tf.TensorInfo }, LayerNormAttrs>(
    'LayerNorm',
    (args) => {
      const { x, weight, bias } = args.inputs;
      const { eps, bf16 } = args.attrs;
      const call = args.backend.call('LayerNorm').tensor(x).tensor(weight).tensor(bias).flag(bf16).real(eps);
      return call.output(x.shape, 'float32');
    },
  ),
  kernel<{ x: tf.TensorInfo; weight: tf.TensorInfo; bias: tf.TensorInfo; dy: tf.TensorInfo }, LayerNormAttrs>(
    'LayerNormGrad',
    (args) => {
      const { x, weight, bias, dy } = args.inputs;
      const call = args.backend
        .call('LayerNormGrad')
        .tensor(x)
        .tensor(weight)
        .tensor(bias)
        .tensor(dy)
        .real(args.attrs.eps);
      return call.outputs([x.shape, weight.shape, bias.shape], 'float32');
    },
  ),
];

tf.registerGradient({
  kernelName: 'LayerNorm',
  inputsToSave: ['x', 'weight', 'bias'],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight, bias] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { eps } = attrs as unknown as LayerNormAttrs;
    const [dx, dWeight, dBias] = runMany('LayerNormGrad', { x, weight, bias, dy: dy as tf.Tensor }, { eps });
    return { x: () => dx!, weight: () => dWeight!, bias: () => dBias! };
  },
});
