/** How the gradients of tfjs-core are replaced where they are slow, wrong for some inputs, or missing. */
import * as tf from '../../lib/tfjs.mjs';
import { hasKernel } from '../ops/dispatch.js';

export interface GradientRule {
  kernelName: string;
  inputsToSave?: string[];
  outputsToSave?: boolean[];
  /** Upstream gradients of the outputs, saved inputs then saved outputs, attributes -> one thunk per input. */
  gradFunc(
    dy: tf.Tensor[],
    saved: tf.Tensor[],
    attrs: Record<string, unknown>,
  ): Record<string, () => tf.Tensor>;
}

function listed(dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(dy) ? dy : [dy];
}

/** Registers a rule for every backend. */
export function register(rule: GradientRule): void {
  tf.registerGradient({
    ...rule,
    gradFunc: (dy, saved, attrs) =>
      rule.gradFunc(listed(dy), saved, attrs as unknown as Record<string, unknown>),
  });
}

/** The gradient that is registered for a kernel now. */
export function registered(kernelName: string): tf.GradConfig {
  const config = tf.getGradient(kernelName);
  if (config === undefined || config === null) throw new Error(`tfjs-core has no gradient for ${kernelName}`);
  return config;
}

/**
 * True when a fused gradient kernel may be used: the backend has it, and no outer gradient is being taken, which would
 * have to differentiate it in turn.
 */
export function mayFuse(gradientKernel: string): boolean {
  return tf.engine().state.gradientDepth === 0 && hasKernel(gradientKernel);
}

/** Sums a gradient over the dimensions along which an operand of shape `shape` was broadcast. */
export function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  if (tf.util.arraysEqual(gradient.shape, shape)) return gradient;
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  const sum = axes.length > 0 ? tf.sum(gradient, axes) : gradient;
  return tf.reshape(sum, shape);
}
