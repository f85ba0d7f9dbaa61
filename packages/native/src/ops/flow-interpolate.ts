import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, sameShape } from './check.js';
import { hasKernel, runMany } from './dispatch.js';
import { frozen } from './frozen.js';

export interface FlowInterpolation {
  /** `(1 − t)·clean + t·noise`, `[T, C]` */
  noised: tf.Tensor2D;
  /** `noise − clean`, what a flow model is to predict, `[T, C]` */
  velocity: tf.Tensor2D;
}

/** The two results out of ordinary tfjs ops; also the reference of the tests. */
export function composedFlowInterpolate(
  clean: tf.Tensor2D,
  noise: tf.Tensor2D,
  times: tf.Tensor1D,
): tf.Tensor[] {
  return tf.tidy(() => {
    const late = tf.expandDims(times, 1);
    return [tf.add(tf.mul(clean, tf.sub(1, late)), tf.mul(noise, late)), tf.sub(noise, clean)];
  });
}

/**
 * Noised latents of rectified flow and their velocity target in one pass: `x_t = (1 − t)·clean + t·noise`,
 * `velocity = noise − clean` (Liu et al. 2023, "Flow straight and fast", eq. 1; specification §6.4). Time 1 is pure noise.
 *
 * @param clean `[T, C]` latent tokens; gradient flows to them and to `noise`
 * @param noise `[T, C]`, standard normal
 * @param times `[T]`, one time in [0, 1] per token; no gradient
 * @throws Error naming the shapes when they do not fit
 */
export function flowInterpolate(
  clean: tf.Tensor2D,
  noise: tf.Tensor2D,
  times: tf.Tensor1D,
): FlowInterpolation {
  const tensors = { clean, noise, times };
  expectFloat('flowInterpolate', tensors);
  const fits =
    clean.rank === 2 && sameShape(clean, noise) && times.rank === 1 && times.size === clean.shape[0];
  expectThat(fits, 'flowInterpolate', 'clean and noise [T, C], times [T]', tensors);
  const [noised, velocity] = tf.tidy(() => {
    const constant = frozen(times);
    if (!hasKernel('FlowInterpolate')) return composedFlowInterpolate(clean, noise, constant);
    return runMany('FlowInterpolate', { clean, noise, times: constant });
  });
  return { noised, velocity } as FlowInterpolation;
}

type Inputs = { clean: tf.TensorInfo; noise: tf.TensorInfo; times: tf.TensorInfo };

/** Native kernel of `flowInterpolate`; the C++ side is cpp/cpu/flow_interpolate.cc. */
export const flowInterpolateKernels: NativeKernel[] = [
  kernel<Inputs, unknown>('FlowInterpolate', ({ inputs: { clean, noise, times }, backend }) =>
    backend
      .call('FlowInterpolate')
      .tensor(clean)
      .tensor(noise)
      .tensor(times)
      .outputs([clean.shape, clean.shape], 'float32'),
  ),
];

tf.registerGradient({
  kernelName: 'FlowInterpolate',
  inputsToSave: ['times'],
  gradFunc: (dy, saved) => {
    const [dNoised, dVelocity] = dy as unknown as [tf.Tensor, tf.Tensor];
    const late = tf.reshape(saved[0]!, [saved[0]!.size, 1]);
    return {
      clean: () => tf.sub(tf.mul(dNoised, tf.sub(1, late)), dVelocity),
      noise: () => tf.add(tf.mul(dNoised, late), dVelocity),
    };
  },
});
