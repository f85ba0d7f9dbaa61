import * as tf from '../../lib/tfjs.mjs';
import { hasKernel, runOne } from './dispatch.js';
import { checkKey, philoxNormal, philoxUniform, type RandomKey } from './philox.js';

function keyed(
  op: string,
  kernel: string,
  fallback: (count: number, key: RandomKey) => Float32Array,
  shape: number[],
  key: RandomKey,
): tf.Tensor {
  checkKey(op, key);
  if (hasKernel(kernel)) return runOne(kernel, {}, { shape, ...key });
  return tf.tensor(fallback(tf.util.sizeFromShape(shape), key), shape, 'float32');
}

/**
 * Standard normal numbers of the given shape, Philox4x32-10 with Box–Muller (see `philox.ts`). The values depend on the
 * key alone and are the same on every backend, bit for bit.
 * @throws Error when a part of the key is out of range
 */
export function randomNormal(shape: number[], key: RandomKey): tf.Tensor {
  return keyed('randomNormal', 'PhiloxNormal', philoxNormal, shape, key);
}

/** Uniform numbers in [0, 1) of the given shape; otherwise as `randomNormal`. */
export function randomUniform(shape: number[], key: RandomKey): tf.Tensor {
  return keyed('randomUniform', 'PhiloxUniform', philoxUniform, shape, key);
}
