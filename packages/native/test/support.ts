/** Helpers shared by the tests of fused ops: reproducible inputs, comparisons, gradients by differences. */
import { expect } from 'vitest';
import * as tf from '../lib/tfjs.mjs';
import { philoxNormal } from '../src/ops/philox.js';

let stream = 0;

/** Reproducible normal numbers; every call draws new ones within a test file. */
export function normals(shape: number[], scale = 1): tf.Tensor {
  stream += 1;
  const values = philoxNormal(tf.util.sizeFromShape(shape), { seed: 7, stream, counter: 0 });
  return tf.tensor(
    values.map((x) => x * scale),
    shape,
    'float32',
  );
}

/** Largest difference divided by the largest magnitude of `expected` (or 1, if that is larger). */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let magnitude = 1;
  for (let i = 0; i < expected.length; i++) {
    const delta = Math.abs(actual[i]! - expected[i]!);
    difference = Number.isNaN(delta) ? Number.POSITIVE_INFINITY : Math.max(difference, delta);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return difference / magnitude;
}

export function expectClose(
  actual: tf.Tensor,
  expected: tf.Tensor | ArrayLike<number>,
  tolerance: number,
): void {
  if (expected instanceof tf.Tensor) expect(actual.shape).toEqual(expected.shape);
  const wanted = expected instanceof tf.Tensor ? expected.dataSync() : expected;
  expect(actual.size).toBe(wanted.length);
  expect(deviation(actual.dataSync(), wanted)).toBeLessThanOrEqual(tolerance);
}

/** Central differences of a scalar function at a few elements of `x`. */
export function differences(
  f: (x: tf.Tensor) => tf.Tensor,
  x: tf.Tensor,
  elements: number[],
  step = 1e-2,
): number[] {
  const values = x.dataSync();
  const at = (i: number, delta: number) => {
    const moved = Float32Array.from(values);
    moved[i] = values[i]! + delta;
    return tf.tidy(() => f(tf.tensor(moved, x.shape)).dataSync()[0]!);
  };
  return elements.map((i) => (at(i, step) - at(i, -step)) / (2 * step));
}
