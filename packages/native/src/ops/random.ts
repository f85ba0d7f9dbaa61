import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
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

type RandomAttrs = RandomKey & { shape: number[] };

function randomKernel(name: string): NativeKernel {
  return kernel<Record<string, never>, RandomAttrs>(name, ({ attrs, backend }) => {
    const { shape, seed, stream, counter } = attrs;
    const call = backend.call(name).dims(shape);
    // Integers of up to 53 bits as low and high words; the command keeps the low 32 bits of each.
    for (const value of [seed, counter]) call.int(value % 2 ** 32).int(Math.floor(value / 2 ** 32));
    return call.int(stream).output(shape, 'float32');
  });
}

/** Native kernels of the random ops; the C++ side is cpp/cpu/random.cc. */
export const randomKernels: NativeKernel[] = [randomKernel('PhiloxNormal'), randomKernel('PhiloxUniform')];
