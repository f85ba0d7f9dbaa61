import type * as tf from '../../lib/tfjs.mjs';
import { backend_util } from '../../lib/tfjs.mjs';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';

type Operands = { a: tf.TensorInfo; b: tf.TensorInfo };

function outputShape(a: tf.TensorInfo, b: tf.TensorInfo): number[] {
  return backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
}

/** float32 and, where the C++ kernel has it, int32. */
function arithmetic(name: string, int32: boolean): NativeKernel {
  return kernel<Operands, unknown>(name, (args) => {
    const { a, b } = args.inputs;
    const native = a.dtype === b.dtype && (a.dtype === 'float32' || (int32 && a.dtype === 'int32'));
    if (!native) return fallback(name, args);
    return args.backend.call(name).operand(a).operand(b).output(outputShape(a, b), a.dtype);
  });
}

function comparison(name: string): NativeKernel {
  return kernel<Operands, unknown>(name, (args) => {
    const { a, b } = args.inputs;
    if (!isNumeric(a) || !isNumeric(b)) return fallback(name, args);
    return args.backend.call(name).operand(a).operand(b).output(outputShape(a, b), 'bool');
  });
}

const withInt32 = [
  'Add',
  'Sub',
  'Multiply',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'Pow',
  'Mod',
  'FloorDiv',
];
const comparisons = [
  'Equal',
  'NotEqual',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'LogicalAnd',
  'LogicalOr',
];

export const binaryKernels: NativeKernel[] = [
  ...withInt32.map((name) => arithmetic(name, true)),
  ...['RealDiv', 'Atan2'].map((name) => arithmetic(name, false)),
  ...comparisons.map(comparison),
];
