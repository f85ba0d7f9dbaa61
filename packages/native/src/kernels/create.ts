import type * as tf from '../../lib/tfjs.mjs';
import { util } from '../../lib/tfjs.mjs';
import { fallback, isNumeric, kernel, type NativeKernel, physOfDtype } from './kernel.js';

/** Kernels that make values from attributes alone. */
export const createKernels: NativeKernel[] = [
  kernel<Record<string, never>, tf.FillAttrs>('Fill', (args) => {
    const { shape, value } = args.attrs;
    const dtype = args.attrs.dtype ?? (typeof value === 'string' ? 'string' : util.inferDtype(value));
    if (dtype === 'string' || dtype === 'complex64' || typeof value === 'string')
      return fallback('Fill', args);
    return args.backend.call('Fill').dims(shape).int(physOfDtype(dtype)).real(value).output(shape, dtype);
  }),
  ...(['ZerosLike', 'OnesLike'] as const).map((name) =>
    kernel<{ x: tf.TensorInfo }, unknown>(name, (args) => {
      const { x } = args.inputs;
      if (!isNumeric(x)) return fallback(name, args);
      const value = name === 'OnesLike' ? 1 : 0;
      return args.backend
        .call('Fill')
        .dims(x.shape)
        .int(physOfDtype(x.dtype))
        .real(value)
        .output(x.shape, x.dtype);
    }),
  ),
];
