import { KeptResult, tf, withAutocast } from '@unicharacter/native';
import type { LowRankUpdate } from './weight-store.js';

/** Elements of a weight whose changed values exist at a time. */
const ROW_BLOCK = 2 ** 22;

/** A row of zeros has no direction; it stays zero. */
const SHORTEST = 1e-12;

/**
 * The learnt row lengths of a weight-decomposed update (DoRA; Liu et al. 2024, arXiv 2402.09353, eq. 5):
 * `W' = m ⊙ (W + scale·B·A) / ‖W + scale·B·A‖` with a norm per row, PEFT's `lora_magnitude_vector` m [out].
 *
 * The norm counts as a constant in gradients (section 4.3). It is computed once for the values that A and B have, so once
 * per optimizer step and never again while a finished adapter is used; the changed weight never exists as a whole.
 */
export class RowLengths {
  readonly #norms = new KeptResult<tf.Tensor1D>();

  /** @param magnitude m; this object owns it */
  constructor(readonly magnitude: tf.Variable) {}

  /** What each column of the layer's result is multiplied with, m / ‖W + scale·B·A‖ [out]; gradients reach m. */
  factor(weight: tf.Tensor2D, update: LowRankUpdate): tf.Tensor1D {
    const norms = this.#norms.of([weight, update.a, update.b], () => rowNorms(weight, update));
    return tf.div(this.magnitude as tf.Tensor as tf.Tensor1D, norms) as tf.Tensor1D;
  }

  dispose(): void {
    this.#norms.dispose();
    this.magnitude.dispose();
  }
}

/** ‖W + scale·B·A‖ of every row, [out], in float32. The caller disposes it. */
export function rowNorms(weight: tf.Tensor2D, { a, b, scale }: LowRankUpdate): tf.Tensor1D {
  const [rows, width] = weight.shape;
  const rank = a.shape[0];
  const height = Math.max(1, Math.floor(ROW_BLOCK / width));
  const norms = (from: number) =>
    tf.tidy(() => {
      const count = Math.min(height, rows - from);
      const change = tf.mul(tf.matMul(tf.slice(b, [from, 0], [count, rank]), a), scale);
      const changed = tf.add(tf.slice(weight, [from, 0], [count, width]), change);
      return tf.maximum(tf.sqrt(tf.sum(tf.square(changed), 1)), SHORTEST) as tf.Tensor1D;
    });
  return tf.tidy(() =>
    withAutocast('float32', () => {
      const blocks = Array.from({ length: Math.ceil(rows / height) }, (_, i) => norms(i * height));
      return tf.concat1d(blocks);
    }),
  );
}
