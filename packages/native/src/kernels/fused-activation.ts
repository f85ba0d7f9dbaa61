import type * as tf from '../../lib/tfjs.mjs';
import { type backend_util, util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';

const kernels: Record<string, string> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
};

/** Applies the activation of a fused kernel; `x` is consumed. */
export function applyActivation(
  backend: NativeBackend,
  x: tf.TensorInfo,
  activation: backend_util.Activation | null | undefined,
  preluWeights: tf.TensorInfo | undefined,
  leakyAlpha: number | undefined,
): tf.TensorInfo {
  if (activation === null || activation === undefined || activation === 'linear') return x;
  return backend.replace(x, () => {
    if (activation === 'leakyrelu')
      return backend
        .call('LeakyRelu')
        .tensor(x)
        .real(leakyAlpha ?? 0.2)
        .output(x.shape, 'float32');
    if (activation === 'prelu') return prelu(backend, x, preluWeights!);
    return backend.call(kernels[activation]!).tensor(x).output(x.shape, 'float32');
  });
}

/** max(x, 0) + weights · min(x, 0), with `weights` broadcast to x. */
export function prelu(backend: NativeBackend, x: tf.TensorInfo, weights: tf.TensorInfo): tf.TensorInfo {
  util.assert(
    x.dtype === 'float32' && weights.dtype === 'float32',
    () => `Prelu: expected float32, found ${x.dtype} and ${weights.dtype}`,
  );
  const zero = backend.call('Fill').dims([]).int(0).real(0).output([], 'float32');
  const positive = backend.call('Maximum').operand(x).operand(zero).output(x.shape, 'float32');
  const negative = backend.call('Minimum').operand(x).operand(zero).output(x.shape, 'float32');
  const scaled = backend.call('Multiply').operand(negative).operand(weights).output(x.shape, 'float32');
  const sum = backend.call('Add').operand(positive).operand(scaled).output(x.shape, 'float32');
  for (const part of [zero, positive, negative, scaled]) backend.disposeData(part.dataId);
  return sum;
}
