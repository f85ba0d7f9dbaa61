import * as tf from '../../lib/tfjs.mjs';
import { Phys } from '../binding.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize } from './check.js';
import { computesInBf16, hasKernel, runOne } from './dispatch.js';

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedLinear(x: tf.Tensor, w: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor {
  return tf.tidy(() => {
    const count = tf.util.sizeFromShape(x.shape.slice(0, -1));
    const rows = tf.reshape(x, [count, w.shape[1]]) as tf.Tensor2D;
    const product = tf.matMul(rows, w, false, true);
    const y = bias === undefined ? product : tf.add(product, bias);
    return tf.reshape(y, [...x.shape.slice(0, -1), w.shape[0]]);
  });
}

/**
 * `y = x wᵀ + bias` with weights stored `[out, in]`.
 *
 * @param x `[..., K]`, any number of leading dimensions (also none)
 * @param w `[N, K]`
 * @param bias `[N]`
 * @returns `[..., N]`. Under `withAutocast('bf16', …)` the native backend multiplies in bfloat16 with float32 accumulation
 *   and stores `y` as bfloat16; gradients of `w` and `bias` are float32 always.
 * @throws Error naming the shapes when they do not fit
 */
export function linear<T extends tf.Tensor>(x: T, w: tf.Tensor2D, bias?: tf.Tensor1D): T {
  const tensors = bias === undefined ? { x, w } : { x, w, bias };
  expectFloat('linear', tensors);
  const [outputs, inputs] = w.shape;
  const fits = w.rank === 2 && x.rank >= 1 && lastSize(x) === inputs;
  const biasFits = bias === undefined || (bias.rank === 1 && bias.shape[0] === outputs);
  expectThat(fits && biasFits, 'linear', 'x [..., K], w [N, K], bias [N]', tensors);
  const y =
    hasKernel('Linear') && x.size > 0
      ? runOne('Linear', tensors, { bf16: computesInBf16() })
      : composedLinear(x, w, bias);
  return y as T;
}

interface LinearAttrs {
  bf16: boolean;
}

/** Native kernels of `linear`; the C++ side is cpp/cpu/linear.cc. */
export const linearKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo; w: tf.TensorInfo; bias?: tf.TensorInfo }, LinearAttrs>('Linear', (args) => {
    const { x, w, bias } = args.inputs;
    const call = args.backend.call('Linear').tensor(x).tensor(w).optional(bias).flag(args.attrs.bf16);
    return call.output([...x.shape.slice(0, -1), w.shape[0]!], 'float32');
  }),
  kernel<{ x: tf.TensorInfo; w: tf.TensorInfo; dy: tf.TensorInfo }, LinearAttrs>('LinearGradX', (args) => {
    const { x, w, dy } = args.inputs;
    // The gradient of x takes the physical type of x.
    const narrow = args.backend.physOf(x) === Phys.bf16;
    return args.backend
      .call('LinearGradX')
      .tensor(w)
      .tensor(dy)
      .flag(narrow)
      .flag(args.attrs.bf16)
      .output(x.shape, 'float32');
  }),
  kernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, LinearAttrs>('LinearGradWeight', (args) => {
    const { x, dy } = args.inputs;
    const call = args.backend.call('LinearGradWeight').tensor(x).tensor(dy).flag(args.attrs.bf16);
    return call.output([dy.shape.at(-1)!, x.shape.at(-1)!], 'float32');
  }),
  kernel<{ dy: tf.TensorInfo }, unknown>('LinearGradBias', ({ inputs: { dy }, backend }) =>
    backend
      .call('LinearGradBias')
      .tensor(dy)
      .output([dy.shape.at(-1)!], 'float32'),
  ),
];

tf.registerGradient({
  kernelName: 'Linear',
  inputsToSave: ['x', 'w'],
  gradFunc: (dy, saved, attrs) => {
    const [x, w] = saved as [tf.Tensor, tf.Tensor];
    const upstream = dy as tf.Tensor;
    const { bf16 } = attrs as unknown as LinearAttrs;
    return {
      x: () => runOne('LinearGradX', { x, w, dy: upstream }, { bf16 }),
      w: () => runOne('LinearGradWeight', { x, dy: upstream }, { bf16 }),
      bias: () => runOne('LinearGradBias', { dy: upstream }),
    };
  },
});
