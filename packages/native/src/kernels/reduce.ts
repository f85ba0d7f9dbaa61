import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { fallback, isNumeric, type KernelArgs, kernel, type NativeKernel, physOfDtype } from './kernel.js';
import { transpose } from './strided.js';

type Unary = { x: tf.TensorInfo };
type Axes = number | number[] | null;
type ReduceAttrs = { axis?: Axes; reductionIndices?: Axes; keepDims?: boolean };

/** The C++ kernels reduce the middle of [outer, n, inner]: reduced axes that are not neighbours are moved together. */
function reduce(
  backend: NativeBackend,
  name: string,
  x: tf.TensorInfo,
  axes: number[],
  shape: number[],
  dtype: tf.DataType,
): tf.TensorInfo {
  const kept = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const neighbours = axes.every((axis, i) => i === 0 || axis === axes[i - 1]! + 1);
  const n = util.sizeFromShape(axes.map((axis) => x.shape[axis]!));
  if (neighbours) {
    const first = axes[0] ?? x.shape.length;
    const outer = util.sizeFromShape(x.shape.slice(0, first));
    const inner = util.sizeFromShape(x.shape.slice(first + axes.length));
    return backend.call(name).tensor(x).int(outer).int(n).int(inner).output(shape, dtype);
  }
  const moved = transpose(backend, x, [...kept, ...axes]);
  const outer = util.sizeFromShape(kept.map((d) => x.shape[d]!));
  const result = backend.call(name).tensor(moved).int(outer).int(n).int(1).output(shape, dtype);
  backend.disposeData(moved.dataId);
  return result;
}

/** The reduced axes in ascending order; without an axis attribute (tfjs-core passes null) all of them. */
function axesOf(x: tf.TensorInfo, attrs: ReduceAttrs): number[] {
  const axis = attrs.axis ?? attrs.reductionIndices ?? x.shape.map((_, d) => d);
  return util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
}

function resultShape(x: tf.TensorInfo, axes: number[], keepDims: boolean | undefined): number[] {
  const [shape] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  return keepDims ? backend_util.expandShapeToKeepDim(shape, axes) : shape;
}

/** `types` gives the type in which an input is reduced; undefined: no native version. */
function reduction(name: string, types: (dtype: tf.DataType) => tf.DataType | undefined): NativeKernel {
  return kernel<Unary, ReduceAttrs>(name, (args: KernelArgs<Unary, ReduceAttrs>) => {
    const { x } = args.inputs;
    const dtype = types(x.dtype);
    if (dtype === undefined || !isNumeric(x)) return fallback(name, args);
    const { backend, attrs } = args;
    const axes = axesOf(x, attrs);
    const shape = resultShape(x, axes, attrs.keepDims);
    if (dtype === x.dtype) return reduce(backend, name, x, axes, shape, dtype);
    const cast = backend.call('Cast').tensor(x).int(physOfDtype(dtype)).output(x.shape, dtype);
    const result = reduce(backend, name, cast, axes, shape, dtype);
    backend.disposeData(cast.dataId);
    return result;
  });
}

const numeric = (dtype: tf.DataType) => (dtype === 'bool' ? 'int32' : dtype);

function argExtreme(name: 'ArgMax' | 'ArgMin'): NativeKernel {
  return kernel<Unary, tf.ArgMaxAttrs>(name, (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback(name, args);
    const axes = util.parseAxisParam(args.attrs.axis, x.shape).slice(0, 1);
    return reduce(args.backend, name, x, axes, resultShape(x, axes, false), 'int32');
  });
}

export const reduceKernels: NativeKernel[] = [
  reduction('Sum', numeric),
  reduction('Prod', numeric),
  reduction('Mean', () => 'float32'),
  reduction('Max', (dtype) => (dtype === 'bool' ? undefined : dtype)),
  reduction('Min', (dtype) => (dtype === 'bool' ? undefined : dtype)),
  reduction('All', (dtype) => (dtype === 'bool' ? dtype : undefined)),
  reduction('Any', (dtype) => (dtype === 'bool' ? dtype : undefined)),
  argExtreme('ArgMax'),
  argExtreme('ArgMin'),
];
