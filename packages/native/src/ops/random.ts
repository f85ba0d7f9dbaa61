import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { hasKernel, runOne } from './dispatch.js';
import { checkKey, keyWords, philoxNormal, philoxUniform, type RandomKey } from './philox.js';

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

type RandomAttrs = RandomKey & { shape: number[] };

function randomKernel(name: string): NativeKernel {
  return kernel<Record<string, never>, RandomAttrs>(name, ({ attrs, backend }) => {
    const { shape } = attrs;
    const call = backend.call(name).dims(shape);
    // The command keeps the low 32 bits of each.
    for (const word of keyWords(attrs)) call.int(word);
    return call.output(shape, 'float32');
  });
}

/** Native kernels of the random ops; the C++ side is cpp/cpu/random.cc. */
export const randomKernels: NativeKernel[] = [randomKernel('PhiloxNormal'), randomKernel('PhiloxUniform')];
