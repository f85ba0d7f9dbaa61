import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, slice_util, util } from '../../lib/tfjs.mjs';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';
import { stridedCopy, stridedPut, stridesOf, transpose } from './strided.js';

type Unary = { x: tf.TensorInfo };

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

/** Kernels that read an affine view of their input or write into one. */
export const movementKernels: NativeKernel[] = [
  kernel<Unary, tf.TransposeAttrs>('Transpose', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('Transpose', args);
    const { perm } = args.attrs;
    // Only unit dimensions change place: the same values in the same order.
    const moved = perm.filter((p) => x.shape[p] !== 1);
    if (moved.every((p, i) => i === 0 || moved[i - 1]! < p)) {
      return args.backend.alias(
        x,
        perm.map((p) => x.shape[p]!),
      );
    }
    return transpose(args.backend, x, perm);
  }),
  kernel<Unary, tf.SliceAttrs>('Slice', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('Slice', args);
    const [begin, size] = slice_util.parseSliceParams(x as tf.Tensor, args.attrs.begin, args.attrs.size) as [
      number[],
      number[],
    ];
    slice_util.assertParamsValid(x as tf.Tensor, begin, size);
    const strides = stridesOf(x.shape);
    const offset = util.sizeFromShape(size) === 0 ? 0 : dot(begin, strides);
    return stridedCopy(args.backend, x, size, strides, offset);
  }),
  kernel<Unary, tf.StridedSliceAttrs>('StridedSlice', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('StridedSlice', args);
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = args.attrs;
    const info = slice_util.sliceInfo(
      x.shape,
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    const own = stridesOf(x.shape);
    const view = slice_util.computeOutShape(info.begin, info.end, info.strides);
    const offset = util.sizeFromShape(view) === 0 ? 0 : dot(info.begin, own);
    return stridedCopy(
      args.backend,
      x,
      view,
      own.map((s, d) => s * info.strides[d]!),
      offset,
      info.finalShape,
    );
  }),
  kernel<Unary, tf.ReverseAttrs>('Reverse', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('Reverse', args);
    const axes = util.parseAxisParam(args.attrs.dims, x.shape);
    const strides = stridesOf(x.shape);
    let offset = 0;
    const empty = util.sizeFromShape(x.shape) === 0;
    for (const axis of axes) {
      if (!empty) offset += (x.shape[axis]! - 1) * strides[axis]!;
      strides[axis] = -strides[axis]!;
    }
    return stridedCopy(args.backend, x, x.shape, strides, offset);
  }),
  kernel<Unary, tf.TileAttrs>('Tile', (args) => {
    const { x } = args.inputs;
    const { reps } = args.attrs;
    const view: number[] = [];
    const strides: number[] = [];
    for (const [d, stride] of stridesOf(x.shape).entries()) {
      if (reps[d] !== 1) {
        view.push(reps[d]!);
        strides.push(0);
      }
      view.push(x.shape[d]!);
      strides.push(stride);
    }
    if (!isNumeric(x) || view.length > 8) return fallback('Tile', args);
    return stridedCopy(
      args.backend,
      x,
      view,
      strides,
      0,
      x.shape.map((n, d) => n * reps[d]!),
    );
  }),
  kernel<Unary, tf.PadV2Attrs>('PadV2', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('PadV2', args);
    const { paddings, constantValue } = args.attrs;
    const shape = x.shape.map((n, d) => n + paddings[d]![0] + paddings[d]![1]);
    const strides = stridesOf(shape);
    const offset =
      util.sizeFromShape(x.shape) === 0
        ? 0
        : dot(
            paddings.map((p) => p[0]),
            strides,
          );
    return stridedPut(args.backend, x, shape, strides, offset, constantValue);
  }),
  kernel<Unary, tf.MirrorPadAttrs>('MirrorPad', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('MirrorPad', args);
    const { paddings, mode } = args.attrs;
    const shape = x.shape.map((n, d) => n + paddings[d]![0] + paddings[d]![1]);
    return args.backend
      .call('MirrorPad')
      .tensor(x)
      .dims(paddings.flat())
      .flag(mode === 'symmetric')
      .output(shape, x.dtype);
  }),
  kernel<Unary, tf.DepthToSpaceAttrs>('DepthToSpace', (args) => {
    const { x } = args.inputs;
    const { blockSize: n, dataFormat } = args.attrs;
    if (!isNumeric(x) || dataFormat !== 'NHWC') return fallback('DepthToSpace', args);
    const [b, h, w, c] = x.shape as [number, number, number, number];
    const depth = c / (n * n);
    const shape = [b, h * n, w * n, depth];
    return transpose(args.backend, x, [0, 1, 3, 2, 4, 5], [b, h, w, n, n, depth], shape);
  }),
  kernel<Unary, tf.BatchToSpaceNDAttrs>('BatchToSpaceND', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('BatchToSpaceND', args);
    const { blockShape, crops } = args.attrs;
    const product = blockShape.reduce((a, b) => a * b);
    const reshaped = backend_util.getReshaped(x.shape, blockShape, product);
    const permuted = backend_util.getPermuted(reshaped.length, blockShape.length);
    const whole = backend_util.getReshapedPermuted(x.shape, blockShape, product);
    const cut = backend_util.getSliceBeginCoords(crops, blockShape.length);
    const kept = backend_util.getSliceSize(whole, crops, blockShape.length);
    const begin = whole.map((_, d) => cut[d] ?? 0);
    const size = whole.map((n, d) => kept[d] ?? n);
    const spread = transpose(args.backend, x, permuted, reshaped, whole);
    const strides = stridesOf(whole);
    const cropped = stridedCopy(args.backend, spread, size, strides, dot(begin, strides));
    args.backend.disposeData(spread.dataId);
    return cropped;
  }),
  kernel<Unary, tf.SpaceToBatchNDAttrs>('SpaceToBatchND', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('SpaceToBatchND', args);
    const { blockShape, paddings } = args.attrs;
    const product = blockShape.reduce((a, b) => a * b);
    const complete: Array<[number, number]> = [[0, 0], ...(paddings as Array<[number, number]>)];
    while (complete.length < x.shape.length) complete.push([0, 0]);
    const padShape = x.shape.map((n, d) => n + complete[d]![0] + complete[d]![1]);
    const padStrides = stridesOf(padShape);
    const padded = stridedPut(
      args.backend,
      x,
      padShape,
      padStrides,
      dot(
        complete.map((p) => p[0]),
        padStrides,
      ),
      0,
    );
    const reshaped = backend_util.getReshaped(padShape, blockShape, product, false);
    const permuted = backend_util.getPermuted(reshaped.length, blockShape.length, false);
    const shape = backend_util.getReshapedPermuted(padShape, blockShape, product, false);
    const result = transpose(args.backend, padded, permuted, reshaped, shape);
    args.backend.disposeData(padded.dataId);
    return result;
  }),
  // dy with the dimensions of the sparse slice; `begin` and `strides` as sliceInfo() normalises them.
  kernel<{ dy: tf.TensorInfo }, { shape: number[]; begin: number[]; strides: number[] }>(
    'StridedSliceGrad',
    ({ inputs: { dy }, attrs: { shape, begin, strides }, backend }) => {
      const own = stridesOf(shape);
      const offset = util.sizeFromShape(dy.shape) === 0 ? 0 : dot(begin, own);
      return stridedPut(
        backend,
        dy,
        shape,
        own.map((s, d) => s * strides[d]!),
        offset,
        0,
      );
    },
  ),
];
