import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';

type List = Record<string, tf.TensorInfo>;

/** Joins tensors of one type along `axis`. Empty tensors take no part. */
function concat(
  backend: NativeBackend,
  inputs: tf.TensorInfo[],
  axis: number,
  shape: number[],
): tf.TensorInfo {
  return backend
    .call('Concat')
    .tensors(inputs)
    .int(util.sizeFromShape(shape.slice(0, axis)))
    .output(shape, inputs[0]!.dtype);
}

function oneType(inputs: tf.TensorInfo[]): boolean {
  return inputs.every((x) => isNumeric(x) && x.dtype === inputs[0]!.dtype);
}

/** Kernels that join tensors or cut them into parts along one axis. */
export const concatSplitKernels: NativeKernel[] = [
  kernel<List, tf.ConcatAttrs>('Concat', (args) => {
    const inputs = Object.values(args.inputs);
    const axis = util.parseAxisParam(args.attrs.axis, inputs[0]!.shape)[0]!;
    const shape = backend_util.computeOutShape(
      inputs.map((x) => x.shape),
      axis,
    );
    backend_util.assertParamsConsistent(
      inputs.map((x) => x.shape),
      axis,
    );
    const filled = inputs.filter((x) => util.sizeFromShape(x.shape) > 0);
    if (!oneType(inputs) || filled.length === 0) return fallback('Concat', args);
    if (filled.length === 1) return args.backend.alias(filled[0]!, shape);
    return concat(args.backend, filled, axis, shape);
  }),
  kernel<List, tf.PackAttrs>('Pack', (args) => {
    const inputs = Object.values(args.inputs);
    const first = inputs[0]!;
    for (const x of inputs) {
      util.assertShapesMatch(first.shape, x.shape, 'All tensors passed to stack must have matching shapes');
      util.assert(first.dtype === x.dtype, () => 'All tensors passed to stack must have matching dtypes');
    }
    if (!oneType(inputs) || util.sizeFromShape(first.shape) === 0) return fallback('Pack', args);
    const axis = args.attrs.axis < 0 ? args.attrs.axis + first.shape.length + 1 : args.attrs.axis;
    const shape = first.shape.slice();
    shape.splice(axis, 0, inputs.length);
    return concat(args.backend, inputs, axis, shape);
  }),
  kernel<{ x: tf.TensorInfo }, tf.SplitVAttrs>('SplitV', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('SplitV', args);
    const axis = util.parseAxisParam(args.attrs.axis, x.shape)[0]!;
    const sizes = backend_util.prepareSplitSize(x as tf.Tensor, args.attrs.numOrSizeSplits, axis);
    const inner = util.sizeFromShape(x.shape.slice(axis + 1));
    return args.backend
      .call('Split')
      .tensor(x)
      .int(util.sizeFromShape(x.shape.slice(0, axis)))
      .dims(sizes.map((n) => n * inner))
      .outputs(
        sizes.map((n) => x.shape.map((old, d) => (d === axis ? n : old))),
        x.dtype,
      );
  }),
  kernel<{ value: tf.TensorInfo }, tf.UnpackAttrs>('Unpack', (args) => {
    const { value } = args.inputs;
    const axis = args.attrs.axis < 0 ? args.attrs.axis + value.shape.length : args.attrs.axis;
    const parts = value.shape[axis]!;
    if (!isNumeric(value) || parts === 0) return fallback('Unpack', args);
    const shape = value.shape.filter((_, d) => d !== axis);
    const width = util.sizeFromShape(value.shape.slice(axis + 1));
    return args.backend
      .call('Split')
      .tensor(value)
      .int(util.sizeFromShape(value.shape.slice(0, axis)))
      .dims(new Array<number>(parts).fill(width))
      .outputs(new Array<number[]>(parts).fill(shape), value.dtype);
  }),
];
