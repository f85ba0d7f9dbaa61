import * as tf from '../../lib/tfjs.mjs';
import { Phys } from '../binding.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

/** How the numbers of a float32 tensor are stored: with 24 or with 8 significant bits. */
export type StoredType = 'float32' | 'bfloat16';

/**
 * The values of `x` stored as `type`: exact to float32, rounded to nearest-even to bfloat16. The gradient passes through.
 * Backends without bfloat16 storage answer the values as they are.
 *
 * @param x float32, any shape
 */
export function storedAs<T extends tf.Tensor>(x: T, type: StoredType): T {
  expectFloat('storedAs', { x });
  if (!hasKernel('PhysicalType')) return tf.clone(x) as T;
  return runOne('PhysicalType', { x }, { bf16: type === 'bfloat16' }) as T;
}

/** Native kernel of `storedAs`; the C++ side is cpp/cpu/physical_type.cc. */
export const storedAsKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo }, { bf16: boolean }>('PhysicalType', ({ inputs: { x }, attrs, backend }) => {
    const same = backend.physOf(x) === (attrs.bf16 ? Phys.bf16 : Phys.f32);
    if (same) return backend.alias(x, x.shape);
    return backend.call('PhysicalType').tensor(x).flag(attrs.bf16).output(x.shape, 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'PhysicalType',
  gradFunc: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
});
