import type * as tf from '../../lib/tfjs.mjs';
import { util } from '../../lib/tfjs.mjs';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';

type Unary = { x: tf.TensorInfo };

/** Kernels that give the same values another shape or name: no data moves. */
export const shapeKernels: NativeKernel[] = [
  kernel<Unary, unknown>('Identity', (args) => {
    const { x } = args.inputs;
    if (x.dtype === 'complex64') return fallback('Identity', args);
    return args.backend.alias(x, x.shape);
  }),
  kernel<Unary, tf.ReshapeAttrs>('Reshape', (args) => {
    const { x } = args.inputs;
    if (x.dtype === 'complex64') return fallback('Reshape', args);
    const size = util.sizeFromShape(x.shape);
    const shape = util.inferFromImplicitShape(args.attrs.shape, size);
    const wanted = util.sizeFromShape(shape);
    util.assert(
      size === wanted,
      () =>
        `Reshape: the new shape [${shape}] has ${wanted} elements and the old shape [${x.shape}] has ${size}`,
    );
    return args.backend.alias(x, shape);
  }),
  kernel<{ input: tf.TensorInfo }, tf.ExpandDimsAttrs>('ExpandDims', (args) => {
    const { input } = args.inputs;
    if (input.dtype === 'complex64') return fallback('ExpandDims', args);
    const { dim } = args.attrs;
    const rank = input.shape.length;
    util.assert(
      -(rank + 1) <= dim && dim <= rank,
      () => `ExpandDims: axis ${dim} is not in the interval [${-(rank + 1)}, ${rank}]`,
    );
    const shape = input.shape.slice();
    shape.splice(dim < 0 ? rank + dim + 1 : dim, 0, 1);
    return args.backend.alias(input, shape);
  }),
  kernel<Unary, tf.CastAttrs>('Cast', (args) => {
    const { x } = args.inputs;
    const { dtype } = args.attrs;
    if (!isNumeric(x) || dtype === 'complex64' || dtype === 'string') return fallback('Cast', args);
    if (dtype === x.dtype) return args.backend.alias(x, x.shape);
    const phys = dtype === 'float32' ? 0 : dtype === 'int32' ? 2 : 3;
    return args.backend.call('Cast').tensor(x).int(phys).output(x.shape, dtype);
  }),
];
