/** Gradients of binary kernels for operands that broadcast; comparisons are constant almost everywhere. */
import * as tf from '../../lib/tfjs.mjs';
import { register, unbroadcast } from './override.js';

const comparisons = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'];

/** Where the larger (smaller) operand got its value the gradient flows; ties go to `a`, as in tfjs-core. */
function extreme(kernelName: 'Maximum' | 'Minimum'): void {
  const chosen = kernelName === 'Maximum' ? tf.greaterEqual : tf.lessEqual;
  const other = kernelName === 'Maximum' ? tf.less : tf.greater;
  register({
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: ([dy], [a, b]) => ({
      a: () => unbroadcast(tf.mul(dy!, tf.cast(chosen(a!, b!), 'float32')), a!.shape),
      b: () => unbroadcast(tf.mul(dy!, tf.cast(other(a!, b!), 'float32')), b!.shape),
    }),
  });
}

/** The sum over the batch dimensions along which one stack of matrices was broadcast. */
function productGradient(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  shape: number[],
) {
  const shared = shape.slice(0, -2).every((size) => size === 1);
  // One matrix shared by a whole stack: its gradient is a single product over all rows of the stack.
  if (shared && a.rank > 2 && transposeA && !transposeB) {
    const fold = (x: tf.Tensor) => tf.reshape(x, [-1, x.shape[x.rank - 1]!]);
    if (tf.util.arraysEqual(a.shape.slice(0, -1), b.shape.slice(0, -1))) {
      return tf.reshape(tf.matMul(fold(a), fold(b), true, false), shape);
    }
  }
  return unbroadcast(tf.matMul(a, b, transposeA, transposeB), shape);
}

export function registerBinaryGradients(): void {
  extreme('Maximum');
  extreme('Minimum');
  register({
    kernelName: 'SquaredDifference',
    inputsToSave: ['a', 'b'],
    gradFunc: ([dy], [a, b]) => ({
      a: () => unbroadcast(tf.mul(dy!, tf.mul(2, tf.sub(a!, b!))), a!.shape),
      b: () => unbroadcast(tf.mul(dy!, tf.mul(2, tf.sub(b!, a!))), b!.shape),
    }),
  });
  for (const kernelName of comparisons) {
    register({
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (_, [a, b]) => ({ a: () => tf.zeros(a!.shape), b: () => tf.zeros(b!.shape) }),
    });
  }
  register({
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: ([dy], [a, b], attrs) => {
      const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
      const [g, left, right] = [dy!, a!, b!];
      return {
        a: () =>
          transposeA
            ? productGradient(right, g, transposeB, true, left.shape)
            : productGradient(g, right, false, !transposeB, left.shape),
        b: () =>
          transposeB
            ? productGradient(g, left, true, transposeA, right.shape)
            : productGradient(left, g, !transposeA, false, right.shape),
      };
    },
  });
}
