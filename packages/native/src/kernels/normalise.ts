import type * as tf from '../../lib/tfjs.mjs';
import { prelu } from './fused-activation.js';
import { fallback, kernel, type NativeKernel } from './kernel.js';

type BatchNormInputs = {
  x: tf.TensorInfo;
  mean: tf.TensorInfo;
  variance: tf.TensorInfo;
  offset?: tf.TensorInfo;
  scale?: tf.TensorInfo;
};

function perChannel(x: tf.TensorInfo, t: tf.TensorInfo | undefined): boolean {
  return t === undefined || (t.shape.length === 1 && t.shape[0] === x.shape[x.shape.length - 1]);
}

export const normaliseKernels: NativeKernel[] = [
  kernel<BatchNormInputs & Record<string, tf.TensorInfo>, tf.FusedBatchNormAttrs>(
    'FusedBatchNorm',
    (args) => {
      const { x, mean, variance, offset, scale } = args.inputs;
      if (![mean, variance, offset, scale].every((t) => perChannel(x, t)))
        return fallback('FusedBatchNorm', args);
      return args.backend
        .call('FusedBatchNorm')
        .tensor(x)
        .tensor(mean)
        .tensor(variance)
        .optional(offset)
        .optional(scale)
        .real(args.attrs.varianceEpsilon ?? 0.001)
        .output(x.shape, 'float32');
    },
  ),
  kernel<{ x: tf.TensorInfo; alpha: tf.TensorInfo }, unknown>('Prelu', (args) => {
    const { x, alpha } = args.inputs;
    if (x.dtype !== 'float32' || alpha.dtype !== 'float32') return fallback('Prelu', args);
    return prelu(args.backend, x, alpha);
  }),
];
