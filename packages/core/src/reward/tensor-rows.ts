import type { tf } from '@unicharacter/native';

/** The rows of a matrix as arrays of their own; the tensor is disposed. */
export function takeRows(matrix: tf.Tensor2D): Float32Array[] {
  const values = matrix.dataSync() as Float32Array;
  const [count, width] = matrix.shape;
  matrix.dispose();
  return Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width));
}

/** Σ a·b in float64. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
