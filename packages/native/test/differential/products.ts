/** Matrix products in float64 and comparison with them. */
import { expect } from 'vitest';
import type * as tf from '../../lib/tfjs.mjs';
import { type Input, roundBf16 } from './support.js';

/** x[rows, depth] times y[depth, columns], each optionally stored transposed, with an optional bias; sums in float64. */
export function product(
  x: Input,
  y: Input,
  transposeX: boolean,
  transposeY: boolean,
  bias?: Input,
): Float64Array {
  const [rows, depth] = transposeX ? [x.shape[1]!, x.shape[0]!] : [x.shape[0]!, x.shape[1]!];
  const columns = transposeY ? y.shape[0]! : y.shape[1]!;
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < depth; k++) {
      const left = x.values[transposeX ? k * rows + i : i * depth + k]!;
      for (let j = 0; j < columns; j++) {
        out[i * columns + j]! += left * y.values[transposeY ? j * depth + k : k * columns + j]!;
      }
    }
  }
  if (bias !== undefined) for (let i = 0; i < out.length; i++) out[i]! += bias.values[i % columns]!;
  return out;
}

/** Values as bfloat16 holds them. */
export function rounded(x: Input): Input {
  return { ...x, values: Float32Array.from(x.values, roundBf16) };
}

/** Every element within `relative` of the largest one (or of 1). */
export function expectNear(actual: tf.Tensor, expected: Float64Array, relative: number): void {
  const values = actual.dataSync();
  expect(values.length).toBe(expected.length);
  const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  for (const [i, wanted] of expected.entries()) {
    if (!(Math.abs(values[i]! - wanted) <= relative * scale)) {
      expect.fail(`element ${i} of [${actual.shape}]: ${values[i]}, expected ${wanted}`);
    }
  }
}

/** Of sums in float32. */
export const F32 = 4e-6;
/** One rounding of the result: half a unit in the eighth bit. */
export const BF16 = 2 ** -8;
