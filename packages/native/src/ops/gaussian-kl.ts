import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, sameShape } from './check.js';
import { hasKernel, runOne } from './dispatch.js';
import { frozen } from './frozen.js';
import { perSample, sampleRows } from './samples.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedGaussianKl(
  mean: tf.Tensor,
  reference: tf.Tensor,
  weights: readonly number[],
): tf.Tensor1D {
  return tf.tidy(() => {
    const shape: [number, number] = [weights.length, mean.size / weights.length];
    const squares = tf.squaredDifference(tf.reshape(mean, shape), tf.reshape(reference, shape));
    return tf.mul(tf.mean(squares, 1), tf.tensor1d([...weights]));
  });
}

/**
 * Kullback–Leibler divergence of two Gaussians of one variance, averaged over the elements of a sample:
 * `mean((mean − reference)²) / (2σ²)` (specification §7.6, which leaves out the step length).
 *
 * @param mean `[T, C]` (one sample) or `[B, ...]`; gradient flows to it
 * @param reference the shape of `mean`; a constant
 * @param sigma one number, or one per sample; where it is 0 divergence and gradient are 0
 * @returns `[B]`
 * @throws Error naming the shapes, or a number that is out of range
 */
export function gaussianKl(
  mean: tf.Tensor,
  reference: tf.Tensor,
  sigma: number | readonly number[],
): tf.Tensor1D {
  expectFloat('gaussianKl', { mean, reference });
  const fits = mean.rank >= 2 && sameShape(mean, reference) && mean.size > 0;
  expectThat(fits, 'gaussianKl', 'mean and reference of one shape [T, C] or [B, ...]', { mean, reference });
  const { samples } = sampleRows(mean.shape);
  const weights = perSample('gaussianKl', 'sigma', sigma, samples).map((s) => (s > 0 ? 0.5 / (s * s) : 0));
  return tf.tidy(() => {
    const constant = frozen(reference);
    if (!hasKernel('GaussianKl')) return composedGaussianKl(mean, constant, weights);
    return runOne('GaussianKl', { mean, reference: constant }, { weights }) as tf.Tensor1D;
  });
}

interface KlAttrs {
  weights: number[];
}

/** Native kernels of `gaussianKl`; the C++ side is cpp/cpu/grpo_loss.cc. */
export const gaussianKlKernels: NativeKernel[] = [
  kernel<{ mean: tf.TensorInfo; reference: tf.TensorInfo }, KlAttrs>(
    'GaussianKl',
    ({ inputs, attrs, backend }) => {
      const { rows } = sampleRows(inputs.mean.shape);
      const call = backend.call('GaussianKl').tensor(inputs.mean, rows).tensor(inputs.reference, rows);
      for (const weight of attrs.weights) call.real(weight);
      return call.output([rows[0]!], 'float32');
    },
  ),
  kernel<{ mean: tf.TensorInfo; reference: tf.TensorInfo; dy: tf.TensorInfo }, KlAttrs>(
    'GaussianKlGrad',
    ({ inputs, attrs, backend }) => {
      const { rows } = sampleRows(inputs.mean.shape);
      const call = backend.call('GaussianKlGrad').tensor(inputs.mean, rows).tensor(inputs.reference, rows);
      call.tensor(inputs.dy);
      for (const weight of attrs.weights) call.real(weight);
      return call.output(inputs.mean.shape, 'float32');
    },
  ),
];

tf.registerGradient({
  kernelName: 'GaussianKl',
  inputsToSave: ['mean', 'reference'],
  gradFunc: (dy, saved, attrs) => {
    const [mean, reference] = saved as [tf.Tensor, tf.Tensor];
    const { weights } = attrs as unknown as KlAttrs;
    return { mean: () => runOne('GaussianKlGrad', { mean, reference, dy: dy as tf.Tensor }, { weights }) };
  },
});
