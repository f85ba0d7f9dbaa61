import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize, sameShape } from './check.js';
import { computesInBf16, hasKernel, runMany } from './dispatch.js';
import { composedRmsNorm } from './rms-norm.js';

export interface NormedSum<T extends tf.Tensor> {
  /** `x + residual`, the residual stream behind the addition. */
  sum: T;
  /** `rmsNorm(sum, weight, eps)`, the input of the next block. */
  normed: T;
}

/**
 * A residual addition and the RMSNorm behind it in one pass over memory: `sum = x + residual`,
 * `normed = weight · sum / √(mean(sum²) + eps)` over the last dimension (specification §2.2). Statistics are float32; the sum
 * is bf16 only where both addends are, and is normalised as it is stored.
 *
 * @param x `[..., D]`
 * @param residual the shape of `x`
 * @param weight `[D]`
 * @throws Error naming the shapes when they do not fit
 */
export function rmsNormResidual<T extends tf.Tensor>(
  x: T,
  residual: T,
  weight: tf.Tensor1D,
  eps: number,
): NormedSum<T> {
  expectFloat('rmsNormResidual', { x, residual, weight });
  const fits = x.rank >= 1 && sameShape(x, residual) && weight.rank === 1 && weight.shape[0] === lastSize(x);
  expectThat(fits, 'rmsNormResidual', 'x and residual [..., D], weight [D]', { x, residual, weight });
  const [normed, sum] = hasKernel('RmsNormResidual')
    ? runMany('RmsNormResidual', { x, residual, weight }, { eps, bf16: computesInBf16() })
    : composedRmsNormResidual(x, residual, weight, eps);
  return { sum: sum as T, normed: normed as T };
}

/** `[normed, sum]` out of ordinary tfjs ops; also the reference of the tests. */
export function composedRmsNormResidual(
  x: tf.Tensor,
  residual: tf.Tensor,
  weight: tf.Tensor1D,
  eps: number,
): tf.Tensor[] {
  const sum = tf.add(x, residual);
  return [composedRmsNorm(sum, weight, eps), sum];
}

interface Attrs {
  eps: number;
  /** Store the normed sum as bf16. */
  bf16: boolean;
}

type Inputs = { x: tf.TensorInfo; residual: tf.TensorInfo; weight: tf.TensorInfo };

/** Native kernel of `rmsNormResidual`; the C++ side is cpp/cpu/norm.cc. */
export const rmsNormResidualKernels: NativeKernel[] = [
  kernel<Inputs, Attrs>('RmsNormResidual', ({ inputs: { x, residual, weight }, attrs, backend }) =>
    backend
      .call('RmsNormResidual')
      .tensor(x)
      .tensor(weight)
      .tensor(residual)
      .flag(attrs.bf16)
      .real(attrs.eps)
      .outputs([x.shape, x.shape], 'float32'),
  ),
];

tf.registerGradient({
  kernelName: 'RmsNormResidual',
  inputsToSave: ['weight'],
  outputsToSave: [false, true],
  gradFunc: (dy, saved, attrs) => {
    const [weight, sum] = saved as [tf.Tensor, tf.Tensor];
    const [dNormed, dSum] = dy as unknown as [tf.Tensor, tf.Tensor];
    const { eps } = attrs as unknown as Attrs;
    const [dx, dWeight] = runMany('RmsNormGrad', { x: sum, weight, dy: dNormed, dSum }, { eps });
    // Both addends get the same gradient; each needs a tensor of its own, over one buffer.
    return { x: () => dx!, residual: () => tf.clone(dx!), weight: () => dWeight! };
  },
});
