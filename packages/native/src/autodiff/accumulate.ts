import * as tf from '../../lib/tfjs.mjs';
import { hasKernel, runMany } from '../ops/dispatch.js';

/**
 * Sum of two gradients of the same tensor; `b` is disposed, `a` is disposed or reused.
 * `owned` remembers sums made here: nobody else can hold them, so the third and later contributions are added in place.
 */
export function addInto(a: tf.Tensor, b: tf.Tensor, owned: Set<tf.Tensor>): tf.Tensor {
  if (owned.has(a) && hasKernel('AddInPlace')) {
    runMany('AddInPlace', { sum: a, addend: b });
    b.dispose();
    return a;
  }
  const sum = tf.add(a, b);
  a.dispose();
  b.dispose();
  owned.delete(a);
  owned.add(sum);
  return sum;
}
