import { tf } from '@unicharacter/native';

/** Convolution kernels are [out, in, kh, kw] in files and [kh, kw, in, out] in memory; all else has one layout. */
export const isConvolution = (shape: readonly number[]) => shape.length === 4;

/** Shape in memory of a weight of this shape in the file. */
export const memoryShape = (s: readonly number[]) =>
  isConvolution(s) ? [s[2]!, s[3]!, s[1]!, s[0]!] : [...s];

/** Shape in the file of a weight of this shape in memory. */
export const fileShape = (s: readonly number[]) => (isConvolution(s) ? [s[3]!, s[2]!, s[0]!, s[1]!] : [...s]);

/** A weight as stored in a file, in memory layout. Call inside `tf.tidy`. */
export function toMemoryLayout(stored: tf.Tensor): tf.Tensor {
  return isConvolution(stored.shape) ? tf.transpose(stored, [2, 3, 1, 0]) : stored;
}

/** Values of a weight in the order of the file. Read outside `tf.tidy`, which would walk an array value by value. */
export function toFileLayout(weight: tf.Tensor): Float32Array {
  if (!isConvolution(weight.shape)) return weight.dataSync<'float32'>();
  const stored = tf.transpose(weight, [3, 2, 0, 1]);
  try {
    return stored.dataSync<'float32'>();
  } finally {
    stored.dispose();
  }
}
