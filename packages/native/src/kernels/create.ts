import type * as tf from '../../lib/tfjs.mjs';
import { util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { fallback, isNumeric, kernel, type NativeKernel, physOfDtype } from './kernel.js';

function rangeOf(
  backend: NativeBackend,
  count: number,
  dtype: 'float32' | 'int32',
  start: number,
  step: number,
): tf.TensorInfo {
  return backend
    .call('Range')
    .int(count)
    .int(physOfDtype(dtype))
    .real(start)
    .real(step)
    .output([count], dtype);
}

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
  kernel<Record<string, never>, tf.RangeAttrs>('Range', (args) => {
    const { start, stop, step, dtype } = args.attrs;
    if (dtype !== 'float32' && dtype !== 'int32') return fallback('Range', args);
    const runs = start !== stop && start < stop === step > 0;
    // tf.range takes a wrong sign of the default step as "count down".
    const signed = start < stop ? step : stop < start && step === 1 ? -1 : step;
    const count =
      start === stop || !(runs || signed !== step) ? 0 : Math.ceil(Math.abs((stop - start) / step));
    return rangeOf(args.backend, count, dtype, start, signed);
  }),
  kernel<Record<string, never>, tf.LinSpaceAttrs>('LinSpace', (args) => {
    const { start, stop, num } = args.attrs;
    return rangeOf(args.backend, num, 'float32', start, num > 1 ? (stop - start) / (num - 1) : 0);
  }),
  kernel<Record<string, tf.TensorInfo>, unknown>('AddN', (args) => {
    const inputs = Object.values(args.inputs);
    const first = inputs[0]!;
    if (inputs.some((x) => x.dtype !== first.dtype || (x.dtype !== 'float32' && x.dtype !== 'int32'))) {
      return fallback('AddN', args);
    }
    return inputs
      .slice(1)
      .reduce(
        (sum, x) =>
          args.backend.replace(sum, () =>
            args.backend.call('Add').operand(sum).operand(x).output(first.shape, first.dtype),
          ),
        args.backend.alias(first, first.shape),
      );
  }),
];
