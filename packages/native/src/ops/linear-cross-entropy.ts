import * as tf from '../../lib/tfjs.mjs';
import { expectFloat, expectThat } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

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
  return runOne('LinearCrossEntropy', { hidden, weight, labels }) as tf.Tensor1D;
}
