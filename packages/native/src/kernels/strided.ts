/** Views of a tensor that one strided copy can make: the C++ kernels StridedCopy and StridedPut. */
import type * as tf from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= shape[d]!;
  }
  return strides;
}

/**
 * The affine view `x[offset + Σ index_d · strides_d]` of shape `view` as a dense tensor of shape `shape`
 * (as many elements as the view).
 */
export function stridedCopy(
  backend: NativeBackend,
  x: tf.TensorInfo,
  view: readonly number[],
  strides: readonly number[],
  offset: number,
  shape: number[] = view.slice(),
): tf.TensorInfo {
  return backend.call('StridedCopy').tensor(x).dims(view).dims(strides).int(offset).output(shape, x.dtype);
}

/** A tensor of shape `shape` filled with `value`, with `x` written into the view given by strides and offset. */
export function stridedPut(
  backend: NativeBackend,
  x: tf.TensorInfo,
  shape: number[],
  strides: readonly number[],
  offset: number,
  value: number,
): tf.TensorInfo {
  return backend
    .call('StridedPut')
    .tensor(x)
    .dims(shape)
    .dims(strides)
    .int(offset)
    .real(value)
    .output(shape, x.dtype);
}

/** x with its dimensions in the order `perm`, seen as a tensor of shape `shape`. */
export function transpose(
  backend: NativeBackend,
  x: tf.TensorInfo,
  perm: readonly number[],
  from: readonly number[] = x.shape,
  shape?: number[],
): tf.TensorInfo {
  const strides = stridesOf(from);
  const view = perm.map((p) => from[p]!);
  return stridedCopy(
    backend,
    x,
    view,
    perm.map((p) => strides[p]!),
    0,
    shape ?? view,
  );
}
