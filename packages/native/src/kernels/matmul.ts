import type * as tf from '../../lib/tfjs.mjs';
import { broadcast_util } from '../../lib/tfjs.mjs';
import { currentPrecision } from '../precision.js';
import { applyActivation } from './fused-activation.js';
import { fallback, kernel, type NativeKernel } from './kernel.js';

/** Shape of the product of two stacks of matrices with broadcast batch dimensions. */
export function productShape(a: number[], b: number[], transposeA: boolean, transposeB: boolean): number[] {
  const batch = broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const rows = a[a.length - (transposeA ? 1 : 2)]!;
  const cols = b[b.length - (transposeB ? 2 : 1)]!;
  return [...batch, rows, cols];
}

type FusedInputs = {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
  bias?: tf.TensorInfo;
  preluActivationWeights?: tf.TensorInfo;
};

export const matmulKernels: NativeKernel[] = [
  kernel<{ a: tf.TensorInfo; b: tf.TensorInfo }, tf.BatchMatMulAttrs>('BatchMatMul', (args) => {
    const { a, b } = args.inputs;
    const { transposeA, transposeB } = args.attrs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return fallback('BatchMatMul', args);
    return args.backend
      .call('BatchMatMul')
      .tensor(a)
      .tensor(b)
      .optional(undefined)
      .flag(transposeA)
      .flag(transposeB)
      .flag(currentPrecision() === 'bf16')
      .output(productShape(a.shape, b.shape, transposeA, transposeB), 'float32');
  }),
  kernel<FusedInputs & Record<string, tf.TensorInfo>, tf._FusedMatMulAttrs>('_FusedMatMul', (args) => {
    const { a, b, bias, preluActivationWeights } = args.inputs;
    const { transposeA, transposeB, activation, leakyreluAlpha } = args.attrs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return fallback('_FusedMatMul', args);
    const shape = productShape(a.shape, b.shape, transposeA, transposeB);
    const product = args.backend
      .call('BatchMatMul')
      .tensor(a)
      .tensor(b)
      .optional(undefined)
      .flag(transposeA)
      .flag(transposeB)
      .flag(currentPrecision() === 'bf16')
      .output(shape, 'float32');
    const biased =
      bias === undefined
        ? product
        : args.backend.replace(product, () =>
            args.backend.call('Add').operand(product).operand(bias).output(shape, 'float32'),
          );
    return applyActivation(args.backend, biased, activation, preluActivationWeights, leakyreluAlpha);
  }),
];
