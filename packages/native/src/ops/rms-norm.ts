import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';

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
    ? runOne('RmsNorm', { x, weight }, { eps, bf16: computesInBf16() })
    : composedRmsNorm(x, weight, eps);
  return y as T;
}

interface RmsNormAttrs {
  eps: number;
  /** Store the result as bf16. */
  bf16: boolean;
}

type GradInputs = {
  x: tf.TensorInfo;
  weight: tf.TensorInfo;
  dy: tf.TensorInfo;
  /** A gradient that reaches x beside the norm, as in `rmsNormResidual`. */
  dSum?: tf.TensorInfo;
};

/** Native kernels of `rmsNorm`; the C++ side is cpp/cpu/norm.cc. */
export const rmsNormKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo; weight: tf.TensorInfo }, RmsNormAttrs>('RmsNorm', (args) => {
    const { x, weight } = args.inputs;
    const { eps, bf16 } = args.attrs;
    const call = args.backend.call('RmsNorm').tensor(x).tensor(weight).flag(bf16).real(eps);
    return call.output(x.shape, 'float32');
  }),
  kernel<GradInputs, RmsNormAttrs>('RmsNormGrad', ({ inputs, attrs, backend }) => {
    const { x, weight, dy, dSum } = inputs;
    const call = backend.call('RmsNormGrad').tensor(x).tensor(weight).tensor(dy).optional(dSum);
    return call.real(attrs.eps).outputs([x.shape, weight.shape], 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'RmsNorm',
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight] = saved as [tf.Tensor, tf.Tensor];
    const { eps } = attrs as unknown as RmsNormAttrs;
    const [dx, dWeight] = runMany('RmsNormGrad', { x, weight, dy: dy as tf.Tensor }, { eps });
    return { x: () => dx!, weight: () => dWeight! };
  },
});
