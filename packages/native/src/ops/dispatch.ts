/** Choosing between a fused kernel of the current backend and the composition of ordinary ops. */
import * as tf from '../../lib/tfjs.mjs';
import { currentPrecision } from '../precision.js';

/** True when the current backend has a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** True inside `withAutocast('bf16', …)`. Ops ask when they run forward and hand the answer to their gradient. */
export function computesInBf16(): boolean {
  return currentPrecision() === 'bf16';
}

type Attributes = Record<string, number | string | boolean | ArrayLike<number>>;

/** Runs a kernel with one output through the engine, so that the tape sees it. Absent inputs must not be listed. */
export function runOne(name: string, inputs: Record<string, tf.Tensor>, attrs: Attributes = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as unknown as tf.NamedAttrMap) as tf.Tensor;
}

/** Runs a kernel with any number of outputs (none for in-place kernels). */
export function runMany(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Attributes = {},
): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs, attrs as unknown as tf.NamedAttrMap) as tf.Tensor[];
}
