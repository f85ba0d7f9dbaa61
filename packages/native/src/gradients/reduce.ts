/** Gradients of reductions and scans. Stock multiplies by an array of ones that is uploaded every time. */
import * as tf from '../../lib/tfjs.mjs';
import { register, registered } from './override.js';

type Axes = number | number[] | null;

/** `dy` of a reduction of x over `axes`, repeated over x. */
function spread(dy: tf.Tensor, x: tf.Tensor, axes: number[]): tf.Tensor {
  const reduced = new Set(axes);
  const kept = x.shape.map((size, d) => (reduced.has(d) ? 1 : size));
  const reps = x.shape.map((size, d) => (reduced.has(d) ? size : 1));
  const wide = tf.reshape(dy, kept);
  return reps.every((r) => r === 1) ? wide : tf.tile(wide, reps);
}

function axesOf(x: tf.Tensor, axis: Axes | undefined): number[] {
  return tf.util.parseAxisParam(axis ?? x.shape.map((_, d) => d), x.shape);
}

/** Sum over the repetitions: [r0 s0, r1 s1, ...] -> [s0, s1, ...] in one reduction. */
function unrepeat(dy: tf.Tensor, shape: number[], reps: number[]): tf.Tensor {
  const split: number[] = [];
  const axes: number[] = [];
  for (const [d, size] of shape.entries()) {
    if (reps[d] !== 1) {
      axes.push(split.length);
      split.push(reps[d]!);
    }
    split.push(size);
  }
  const sum = axes.length === 0 ? dy : tf.sum(tf.reshape(dy, split), axes);
  return tf.reshape(sum, shape);
}

export function registerReduceGradients(): void {
  register({
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: ([dy], [x], attrs) => ({ x: () => spread(dy!, x!, axesOf(x!, attrs.axis as Axes)) }),
  });
  register({
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: ([dy], [x], attrs) => {
      const axes = axesOf(x!, attrs.axis as Axes);
      const n = tf.util.sizeFromShape(axes.map((axis) => x!.shape[axis]!));
      return { x: () => spread(tf.mul(dy!, 1 / n), x!, axes) };
    },
  });
  register({
    kernelName: 'Tile',
    inputsToSave: ['x'],
    gradFunc: ([dy], [x], attrs) => ({ x: () => unrepeat(dy!, x!.shape, attrs.reps as number[]) }),
  });
  register({
    kernelName: 'Cumprod',
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: ([dy], [x, y], attrs) => {
      const { axis, exclusive, reverse } = attrs as unknown as tf.CumprodAttrs;
      // Each later product has x as a factor; as in TensorFlow, an x of 0 has no gradient (it gives NaN).
      return { x: () => tf.div(tf.cumsum(tf.mul(dy!, y!), axis, exclusive, !reverse), x!) };
    },
  });
  register({
    kernelName: 'Cumsum',
    inputsToSave: ['x'],
    gradFunc: ([dy], _, attrs) => {
      const { axis, exclusive, reverse } = attrs as unknown as tf.CumsumAttrs;
      return { x: () => tf.cumsum(dy!, axis, exclusive, !reverse) };
    },
  });
  // The stock rule permutes dimensions and takes a negative axis literally.
  const product = registered('Prod');
  tf.registerGradient({
    ...product,
    gradFunc: (dy, saved, attrs) =>
      product.gradFunc(dy, saved, { ...attrs, axis: axesOf(saved[0]!, attrs.axis as unknown as Axes) }),
  });
}
