import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize } from './check.js';
import { hasKernel, runOne } from './dispatch.js';
import { frozen } from './frozen.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedScaleColumns(x: tf.Tensor, factor: tf.Tensor1D, bias: tf.Tensor1D | null): tf.Tensor {
  return tf.tidy(() => {
    const scaled = tf.mul(x, factor);
    return bias === null ? scaled : tf.add(scaled, bias);
  });
}

/**
 * Every column times a factor of its own: `y = x · diag(factor) + bias`. What a weight-decomposed adapter (DoRA; Liu et al.
 * 2024, eq. 5) does to the result of a linear layer. The bias is a constant.
 *
 * @param x `[..., N]`
 * @param factor `[N]`
 * @param bias `[N]` or null
 * @returns `[..., N]`, stored as `x` is; so is its gradient. The gradient of the factor is float32.
 * @throws Error naming the shapes when they do not fit
 */
export function scaleColumns<T extends tf.Tensor>(x: T, factor: tf.Tensor1D, bias: tf.Tensor1D | null): T {
  const tensors = bias === null ? { x, factor } : { x, factor, bias };
  expectFloat('scaleColumns', tensors);
  const isRow = (row: tf.Tensor) => row.rank === 1 && row.shape[0] === lastSize(x);
  const fits = x.rank >= 1 && isRow(factor) && (bias === null || isRow(bias));
  expectThat(fits, 'scaleColumns', 'x [..., N], factor [N], bias [N]', tensors);
  return tf.tidy(() => {
    const constant = bias === null ? null : frozen(bias);
    if (!hasKernel('ScaleColumns')) return composedScaleColumns(x, factor, constant);
    return runOne('ScaleColumns', constant === null ? { x, factor } : { x, factor, bias: constant });
  }) as T;
}

type Info = tf.TensorInfo;

/** Native kernels of `scaleColumns`; the C++ side is cpp/cpu/scale_columns.cc. */
export const scaleColumnsKernels: NativeKernel[] = [
  kernel<{ x: Info; factor: Info; bias?: Info }, unknown>('ScaleColumns', ({ inputs, backend }) => {
    const { x, factor, bias } = inputs;
    return backend.call('ScaleColumns').tensor(x).tensor(factor).optional(bias).output(x.shape, 'float32');
  }),
  kernel<{ dy: Info; x: Info }, unknown>('ScaleColumnsGradFactor', ({ inputs: { dy, x }, backend }) =>
    backend
      .call('ScaleColumnsGradFactor')
      .tensor(dy)
      .tensor(x)
      .output([x.shape.at(-1)!], 'float32'),
  ),
];

tf.registerGradient({
  kernelName: 'ScaleColumns',
  inputsToSave: ['x', 'factor'],
  gradFunc: (upstream, saved) => {
    const [x, factor] = saved as [tf.Tensor, tf.Tensor];
    const dy = upstream as tf.Tensor;
    return {
      x: () => runOne('ScaleColumns', { x: dy, factor }),
      factor: () => runOne('ScaleColumnsGradFactor', { dy, x }),
    };
  },
});
