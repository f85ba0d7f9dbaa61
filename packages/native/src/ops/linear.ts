import * as tf from '../../lib/tfjs.mjs';
import { expectFloat, expectThat, lastSize } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedLinear(x: tf.Tensor, w: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  return tf.tidy(() => {
    const rows = tf.reshape(x, [-1, w.shape[1]]) as tf.Tensor2D;
    const product = tf.matMul(rows, w, false, true);
    const y = bias === undefined ? product : tf.add(product, bias);
    return tf.reshape(y, [...x.shape.slice(0, -1), w.shape[0]]);
  });
}

/**
 * `y = x wᵀ + bias` with weights stored `[out, in]`.
 *
 * @param x `[..., K]`, any number of leading dimensions (also none)
 * @param w `[N, K]`
 * @param bias `[N]`
 * @returns `[..., N]`. Under `withAutocast('bf16', …)` the native backend multiplies in bfloat16 with float32 accumulation
 *   and stores `y` as bfloat16; gradients of `w` and `bias` are float32 always.
 * @throws Error naming the shapes when they do not fit
 */
export function linear<T extends tf.Tensor>(x: T, w: tf.Tensor2D, bias?: tf.Tensor1D): T {
  const tensors = bias === undefined ? { x, w } : { x, w, bias };
  expectFloat('linear', tensors);
  const [outputs, inputs] = w.shape;
  const fits = w.rank === 2 && x.rank >= 1 && lastSize(x) === inputs;
  const biasFits = bias === undefined || (bias.rank === 1 && bias.shape[0] === outputs);
  expectThat(fits && biasFits, 'linear', 'x [..., K], w [N, K], bias [N]', tensors);
  const y = hasKernel('Linear') && x.size > 0 ? runOne('Linear', tensors) : composedLinear(x, w, bias);
  return y as T;
}
