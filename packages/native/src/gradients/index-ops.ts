/** Gradients of kernels that pick or place elements; most of them have none in tfjs-core. */
import * as tf from '../../lib/tfjs.mjs';
import { hasKernel, runOne } from '../ops/dispatch.js';
import { register } from './override.js';

/**
 * Gradient of taking slices of x along `axis`: rows of dy are added up at their indices. x is [batch, outer, n, inner],
 * the indices are [batch, k]; one segment sum for the whole batch.
 */
function gatherGradient(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, axis: number, batchDims: number) {
  const size = tf.util.sizeFromShape;
  const batch = size(x.shape.slice(0, batchDims));
  const outer = size(x.shape.slice(batchDims, axis));
  const n = x.shape[axis]!;
  const inner = size(x.shape.slice(axis + 1));
  const k = size(indices.shape.slice(batchDims));
  const rows = tf.reshape(tf.transpose(tf.reshape(dy, [batch, outer, k, inner]), [0, 2, 1, 3]), [
    batch * k,
    outer * inner,
  ]);
  const starts = batch > 1 ? tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(n, 'int32')) : undefined;
  const local = tf.reshape(indices, [batch, k]);
  const ids = tf.reshape(starts === undefined ? local : tf.add(local, tf.reshape(starts, [batch, 1])), [-1]);
  const sums = tf.unsortedSegmentSum(rows, ids as tf.Tensor1D, batch * n);
  return tf.reshape(tf.transpose(tf.reshape(sums, [batch, n, outer, inner]), [0, 2, 1, 3]), x.shape);
}

/** Puts dy back where the strided slice took it; dimensions are handled one by one without the native kernel. */
function stridedSliceGradient(dy: tf.Tensor, x: tf.Tensor, a: tf.StridedSliceAttrs): tf.Tensor {
  const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
  const info = tf.slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, ...masks);
  const { begin, strides } = info;
  const dims = tf.slice_util.computeOutShape(begin, info.end, strides);
  const taken = tf.reshape(dy, dims);
  if (hasKernel('StridedSliceGrad')) {
    return runOne('StridedSliceGrad', { dy: taken }, { shape: x.shape, begin, strides });
  }
  let gradient = taken;
  for (const [d, size] of x.shape.entries()) {
    const places = Int32Array.from({ length: dims[d]! }, (_, i) => begin[d]! + i * strides[d]!);
    const perm = x.shape.map((_, i) => i).filter((i) => i !== d);
    const front = tf.transpose(gradient, [d, ...perm]);
    const placed = tf.unsortedSegmentSum(front, tf.tensor1d(places, 'int32'), size);
    const back = x.shape.map((_, i) => (i === d ? 0 : i < d ? i + 1 : i));
    gradient = tf.transpose(placed, back);
  }
  return gradient;
}

/** The inverse of depthToSpace: [n, h b, w b, c] -> [n, h, w, b b c]. */
function spaceToDepth(dy: tf.Tensor, shape: number[], b: number): tf.Tensor {
  const [n, h, w, depth] = shape as [number, number, number, number];
  const blocks = tf.reshape(dy, [n, h, b, w, b, depth / (b * b)]);
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), shape);
}

export function registerIndexGradients(): void {
  register({
    kernelName: 'GatherV2',
    inputsToSave: ['x', 'indices'],
    gradFunc: ([dy], [x, indices], attrs) => {
      const axis = tf.util.parseAxisParam(attrs.axis as number, x!.shape)[0]!;
      return {
        x: () => gatherGradient(dy!, x!, indices!, axis, attrs.batchDims as number),
        indices: () => tf.zeros(indices!.shape),
      };
    },
  });
  register({
    kernelName: 'GatherNd',
    inputsToSave: ['params', 'indices'],
    gradFunc: ([dy], [params, indices]) => ({
      params: () => tf.scatterND(indices!, dy!, params!.shape),
      indices: () => tf.zeros(indices!.shape),
    }),
  });
  register({
    kernelName: 'ScatterNd',
    inputsToSave: ['indices'],
    gradFunc: ([dy], [indices]) => ({
      updates: () => tf.gatherND(dy!, indices!),
      indices: () => tf.zeros(indices!.shape),
    }),
  });
  register({
    kernelName: 'TensorScatterUpdate',
    inputsToSave: ['indices', 'updates'],
    gradFunc: ([dy], [indices, updates]) => ({
      tensor: () => tf.tensorScatterUpdate(dy!, indices!, tf.zerosLike(updates!)),
      updates: () => tf.gatherND(dy!, indices!),
      indices: () => tf.zeros(indices!.shape),
    }),
  });
  register({
    kernelName: 'StridedSlice',
    inputsToSave: ['x'],
    gradFunc: ([dy], [x], attrs) => ({
      x: () => stridedSliceGradient(dy!, x!, attrs as unknown as tf.StridedSliceAttrs),
    }),
  });
  register({
    kernelName: 'DepthToSpace',
    inputsToSave: ['x'],
    gradFunc: ([dy], [x], attrs) => ({
      x: () => spaceToDepth(dy!, x!.shape, attrs.blockSize as number),
    }),
  });
  register({
    kernelName: 'TopK',
    inputsToSave: ['x'],
    outputsToSave: [false, true],
    gradFunc: ([dy], [x, indices]) => ({
      x: () => {
        const n = x!.shape[x!.rank - 1]!;
        const rows = x!.size / n;
        const starts = tf.reshape(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(n, 'int32')), [rows, 1]);
        const ids = tf.reshape(tf.add(tf.reshape(indices!, [rows, -1]), starts), [-1]);
        const flat = tf.unsortedSegmentSum(tf.reshape(dy!, [-1]), ids as tf.Tensor1D, x!.size);
        return tf.reshape(flat, x!.shape);
      },
    }),
  });
}
