import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import { fallback, isNumeric, kernel, type NativeKernel, physOfDtype } from './kernel.js';

/** Kernels that address slices by an int32 tensor of indices. */
export const gatherScatterKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo; indices: tf.TensorInfo }, tf.GatherV2Attrs>('GatherV2', (args) => {
    const { x, indices } = args.inputs;
    const { axis, batchDims } = args.attrs;
    if (!isNumeric(x) || indices.dtype !== 'int32') return fallback('GatherV2', args);
    const parsed = util.parseAxisParam(axis, x.shape)[0]!;
    const batches = batchDims ?? 0;
    const info = backend_util.segment_util.collectGatherOpShapeInfo(
      x as tf.Tensor,
      indices as tf.Tensor,
      parsed,
      batches,
    );
    return args.backend
      .call('GatherV2')
      .tensor(x)
      .tensor(indices)
      .int(info.batchSize)
      .int(info.outerSize)
      .int(info.dimSize)
      .int(info.sliceSize)
      .output(info.outputShape, x.dtype);
  }),
  kernel<{ params: tf.TensorInfo; indices: tf.TensorInfo }, unknown>('GatherNd', (args) => {
    const { params, indices } = args.inputs;
    if (!isNumeric(params) || indices.dtype !== 'int32') return fallback('GatherNd', args);
    const depth = indices.shape[indices.shape.length - 1]!;
    const [shape, slices] = backend_util.prepareAndValidate(params as tf.Tensor, indices as tf.Tensor);
    if (slices === 0) return fallback('GatherNd', args);
    return args.backend
      .call('GatherNd')
      .tensor(params)
      .tensor(indices)
      .int(depth)
      .int(slices)
      .output(shape, params.dtype);
  }),
  kernel<{ x: tf.TensorInfo; segmentIds: tf.TensorInfo }, tf.UnsortedSegmentSumAttrs>(
    'UnsortedSegmentSum',
    (args) => {
      const { x, segmentIds } = args.inputs;
      const { numSegments } = args.attrs;
      if ((x.dtype !== 'float32' && x.dtype !== 'int32') || segmentIds.dtype !== 'int32') {
        return fallback('UnsortedSegmentSum', args);
      }
      const rest = x.shape.slice(segmentIds.shape.length);
      return args.backend
        .call('UnsortedSegmentSum')
        .tensor(x)
        .tensor(segmentIds)
        .int(numSegments)
        .output([numSegments, ...rest], x.dtype);
    },
  ),
  kernel<{ indices: tf.TensorInfo; updates: tf.TensorInfo }, tf.ScatterNdAttrs>('ScatterNd', (args) => {
    const { indices, updates } = args.inputs;
    const { shape } = args.attrs;
    if (indices.dtype !== 'int32' || (updates.dtype !== 'float32' && updates.dtype !== 'int32')) {
      return fallback('ScatterNd', args);
    }
    const { sliceRank } = backend_util.calculateShapes(updates, indices, shape);
    return args.backend
      .call('ScatterNd')
      .optional(undefined)
      .tensor(indices)
      .tensor(updates)
      .int(sliceRank)
      .dims(shape)
      .flag(false)
      .output(shape, updates.dtype);
  }),
  kernel<{ tensor: tf.TensorInfo; indices: tf.TensorInfo; updates: tf.TensorInfo }, unknown>(
    'TensorScatterUpdate',
    (args) => {
      const { tensor, indices, updates } = args.inputs;
      if (indices.dtype !== 'int32' || !isNumeric(tensor) || tensor.dtype !== updates.dtype) {
        return fallback('TensorScatterUpdate', args);
      }
      const { sliceRank } = backend_util.calculateShapes(updates, indices, tensor.shape);
      return args.backend
        .call('ScatterNd')
        .optional(tensor)
        .tensor(indices)
        .tensor(updates)
        .int(sliceRank)
        .dims(tensor.shape)
        .flag(true)
        .output(tensor.shape, tensor.dtype);
    },
  ),
  kernel<{ indices: tf.TensorInfo }, tf.OneHotAttrs>('OneHot', (args) => {
    const { indices } = args.inputs;
    const { depth, onValue, offValue, dtype } = args.attrs;
    if (indices.dtype !== 'int32' || dtype === 'string' || dtype === 'complex64') {
      return fallback('OneHot', args);
    }
    return args.backend
      .call('OneHot')
      .tensor(indices)
      .int(depth)
      .int(physOfDtype(dtype))
      .real(onValue)
      .real(offValue)
      .output([...indices.shape, depth], dtype);
  }),
];
