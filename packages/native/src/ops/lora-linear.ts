import * as tf from '../../lib/tfjs.mjs';
import { Phys } from '../binding.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, lastSize } from './check.js';
import { computesInBf16, hasKernel, runOne } from './dispatch.js';
import { frozen } from './frozen.js';
import { composedLinear } from './linear.js';

/**
 * Factor of a low-rank update: `alpha / rank` (Hu et al. 2022, §4.1), or `alpha / √rank` when rank-stabilised
 * (Kalajdzievski 2023, "rsLoRA").
 * @throws Error when the rank is not a positive integer
 */
export function loraScale(alpha: number, rank: number, rankStabilised = false): number {
  if (!Number.isInteger(rank) || rank < 1) {
    throw new Error(`loraScale: expected rank to be a positive integer, found ${rank}`);
  }
  return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
}

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedLoraLinear(
  x: tf.Tensor,
  w: tf.Tensor2D,
  bias: tf.Tensor1D | null,
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  scale: number,
): tf.Tensor {
  return tf.tidy(() => {
    const base = composedLinear(x, w, bias ?? undefined);
    return tf.add(base, tf.mul(composedLinear(composedLinear(x, a), b), scale));
  });
}

/**
 * A linear layer with a low-rank adapter in one call: `y = x wᵀ + bias + scale·(x aᵀ) bᵀ` (Hu et al. 2022, eq. 3).
 *
 * The base is frozen: `w` and `bias` are constants, no gradient of them is computed or stored, and a `w` stored as bfloat16
 * is used as it lies under bf16 autocast. Nothing but the inputs is kept for the backward pass.
 *
 * @param x `[..., K]`
 * @param w `[N, K]`
 * @param bias `[N]` or null
 * @param a `[R, K]`, the down projection (PEFT's `lora_A.weight`)
 * @param b `[N, R]`, the up projection (PEFT's `lora_B.weight`); zeros give the base layer
 * @param scale see `loraScale`
 * @returns `[..., N]`; under `withAutocast('bf16', …)` stored as bfloat16 on the native backend. Gradients of a and b are
 *   float32 always.
 * @throws Error naming the shapes when they do not fit
 */
export function loraLinear<T extends tf.Tensor>(
  x: T,
  w: tf.Tensor2D,
  bias: tf.Tensor1D | null,
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  scale: number,
): T {
  const tensors = bias === null ? { x, w, a, b } : { x, w, bias, a, b };
  expectFloat('loraLinear', tensors);
  const [outputs, inputs] = w.shape;
  const baseFits = w.rank === 2 && x.rank >= 1 && lastSize(x) === inputs;
  const biasFits = bias === null || (bias.rank === 1 && bias.shape[0] === outputs);
  const adapterFits = a.rank === 2 && b.rank === 2 && a.shape[1] === inputs && b.shape[0] === outputs;
  const fits = baseFits && biasFits && adapterFits && a.shape[0] === b.shape[1];
  expectThat(fits, 'loraLinear', 'x [..., K], w [N, K], bias [N], a [R, K], b [N, R]', tensors);
  return tf.tidy(() => {
    const base = { w: frozen(w), bias: bias === null ? null : frozen(bias) };
    if (!hasKernel('LoraLinear')) return composedLoraLinear(x, base.w, base.bias, a, b, scale);
    const given = base.bias === null ? { x, w: base.w, a, b } : { x, w: base.w, bias: base.bias, a, b };
    return runOne('LoraLinear', given, { scale, bf16: computesInBf16() });
  }) as T;
}

interface LoraAttrs {
  scale: number;
  bf16: boolean;
}

type Info = tf.TensorInfo;

/** Native kernels of `loraLinear`; the C++ side is cpp/cpu/lora.cc. */
export const loraLinearKernels: NativeKernel[] = [
  kernel<{ x: Info; w: Info; bias?: Info; a: Info; b: Info }, LoraAttrs>('LoraLinear', (args) => {
    const { x, w, bias, a, b } = args.inputs;
    const call = args.backend.call('LoraLinear').tensor(x).tensor(w).optional(bias).tensor(a).tensor(b);
    const shape = [...x.shape.slice(0, -1), w.shape[0]!];
    return call.real(args.attrs.scale).flag(args.attrs.bf16).output(shape, 'float32');
  }),
  kernel<{ dy: Info; x: Info; w: Info; a: Info; b: Info }, LoraAttrs>('LoraLinearGradX', (args) => {
    const { dy, x, w, a, b } = args.inputs;
    // The gradient of x takes the physical type of x.
    const narrow = args.backend.physOf(x) === Phys.bf16;
    const call = args.backend.call('LoraLinearGradX').tensor(dy).tensor(w).tensor(a).tensor(b);
    return call.real(args.attrs.scale).flag(narrow).flag(args.attrs.bf16).output(x.shape, 'float32');
  }),
  kernel<{ dy: Info; x: Info; b: Info }, LoraAttrs>('LoraLinearGradA', (args) => {
    const { dy, x, b } = args.inputs;
    const call = args.backend.call('LoraLinearGradA').tensor(dy).tensor(x).tensor(b);
    const shape = [b.shape[1]!, x.shape.at(-1)!];
    return call.real(args.attrs.scale).flag(args.attrs.bf16).output(shape, 'float32');
  }),
  kernel<{ dy: Info; x: Info; a: Info }, LoraAttrs>('LoraLinearGradB', (args) => {
    const { dy, x, a } = args.inputs;
    const call = args.backend.call('LoraLinearGradB').tensor(dy).tensor(x).tensor(a);
    const shape = [dy.shape.at(-1)!, a.shape[0]!];
    return call.real(args.attrs.scale).flag(args.attrs.bf16).output(shape, 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'LoraLinear',
  inputsToSave: ['x', 'w', 'a', 'b'],
  gradFunc: (upstream, saved, attrs) => {
    const [x, w, a, b] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const dy = upstream as tf.Tensor;
    const { scale, bf16 } = attrs as unknown as LoraAttrs;
    return {
      x: () => runOne('LoraLinearGradX', { dy, x, w, a, b }, { scale, bf16 }),
      a: () => runOne('LoraLinearGradA', { dy, x, b }, { scale, bf16 }),
      b: () => runOne('LoraLinearGradB', { dy, x, a }, { scale, bf16 }),
    };
  },
});
