import * as tf from '../../lib/tfjs.mjs';
import { gradientNeeded } from '../autodiff/needed.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';

/** The op out of ordinary tfjs ops, with all logits in memory; also the reference of the tests. */
export function composedLinearCrossEntropy(
  hidden: tf.Tensor2D,
  weight: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  return tf.tidy(() => {
    const logits = tf.matMul(hidden, weight, false, true);
    const chosen = tf.sum(tf.mul(logits, tf.cast(tf.oneHot(labels, weight.shape[0]), 'float32')), -1);
    return tf.sub(tf.logSumExp(logits, -1), chosen) as tf.Tensor1D;
  });
}

/**
 * Cross-entropy of a vocabulary projection, per token: `loss_n = log Σ_v exp(h_n·w_v) − h_n·w_label(n)`.
 *
 * The native kernel works on chunks of tokens, so that `[N, V]` logits never exist; its backward pass recomputes them.
 * Logits and losses are float32 (under bf16 autocast the products take bfloat16 operands).
 *
 * @param hidden `[N, D]`
 * @param weight `[V, D]`, the output embedding
 * @param labels int32 `[N]`, each in `[0, V)`; no gradient
 * @returns losses `[N]`
 * @throws Error naming the shapes when they do not fit; on the native backend also when a label is out of range
 */
export function linearCrossEntropy(
  hidden: tf.Tensor2D,
  weight: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  expectFloat('linearCrossEntropy', { hidden, weight });
  const fits =
    hidden.rank === 2 &&
    weight.rank === 2 &&
    labels.rank === 1 &&
    labels.dtype === 'int32' &&
    hidden.shape[1] === weight.shape[1] &&
    labels.shape[0] === hidden.shape[0];
  expectThat(fits, 'linearCrossEntropy', 'hidden [N, D], weight [V, D], labels int32 [N]', {
    hidden,
    weight,
    labels,
  });
  if (!hasKernel('LinearCrossEntropy')) return composedLinearCrossEntropy(hidden, weight, labels);
  const attrs = { bf16: computesInBf16() };
  return runOne('LinearCrossEntropy', { hidden, weight, labels }, attrs) as tf.Tensor1D;
}

type Inputs = { hidden: tf.TensorInfo; weight: tf.TensorInfo; labels: tf.TensorInfo };

interface GradAttrs {
  bf16: boolean;
  wantHidden: boolean;
  wantWeight: boolean;
}

/** Native kernels of `linearCrossEntropy`; the C++ side is cpp/cpu/cross_entropy.cc. */
export const linearCrossEntropyKernels: NativeKernel[] = [
  kernel<Inputs, { bf16: boolean }>('LinearCrossEntropy', (args) => {
    const { hidden, weight, labels } = args.inputs;
    const call = args.backend.call('LinearCrossEntropy').tensor(hidden).tensor(weight).tensor(labels);
    return call.flag(args.attrs.bf16).output(labels.shape, 'float32');
  }),
  kernel<Inputs & { dy: tf.TensorInfo }, GradAttrs>('LinearCrossEntropyGrad', (args) => {
    const { hidden, weight, labels, dy } = args.inputs;
    const { bf16, wantHidden, wantWeight } = args.attrs;
    const call = args.backend.call('LinearCrossEntropyGrad').tensor(hidden).tensor(weight).tensor(labels);
    call.flag(bf16).flag(wantHidden).flag(wantWeight).tensor(dy);
    return call.outputs([wantHidden ? hidden.shape : [0], wantWeight ? weight.shape : [0]], 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'LinearCrossEntropy',
  inputsToSave: ['hidden', 'weight', 'labels'],
  gradFunc: (dy, saved, attrs) => {
    const [hidden, weight, labels] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { bf16 } = attrs as unknown as GradAttrs;
    const inputs = { hidden, weight, labels, dy: dy as tf.Tensor };
    // Both gradients need the logits: one pass makes whatever is wanted.
    const wanted = { wantHidden: gradientNeeded('hidden'), wantWeight: gradientNeeded('weight') };
    const [dHidden, dWeight] = runMany('LinearCrossEntropyGrad', inputs, { bf16, ...wanted });
    return { hidden: () => dHidden!, weight: () => dWeight! };
  },
});
