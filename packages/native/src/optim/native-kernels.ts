import type * as tf from '../../lib/tfjs.mjs';
import { Phys } from '../binding.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';

interface AdamWAttrs {
  step: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  correction1: number;
  correction2: number;
  clipNorm: number;
  /** Number of tables, and of tensors that hold the moments of a variable. */
  tables: number;
  moments: number;
  decays: number[];
}

type Inputs = Record<string, tf.TensorInfo>;

/**
 * An update of all variables in place. Inputs: norm, table<j>, and for variable i variable<i>, gradient<i>, moment<i>.<j>.
 */
function adamWKernel(name: 'AdamW' | 'AdamW8bit'): NativeKernel {
  return kernel<Inputs, AdamWAttrs>(name, ({ inputs, attrs, backend }) => {
    const { step, lr, beta1, beta2, eps, correction1, correction2, clipNorm, decays } = attrs;
    const call = backend.call(name).tensor(inputs.norm!);
    for (let j = 0; j < attrs.tables; j++) call.tensor(inputs[`table${j}`]!);
    call.int(decays.length);
    decays.forEach((_, i) => {
      call.inPlace(inputs[`variable${i}`]!).tensor(inputs[`gradient${i}`]!);
      for (let j = 0; j < attrs.moments; j++) call.inPlace(inputs[`moment${i}.${j}`]!);
    });
    call.int(step);
    for (const value of [lr, beta1, beta2, eps, correction1, correction2, clipNorm, ...decays])
      call.real(value);
    call.run();
    return [];
  });
}

/** Native kernels that work on parameter lists; the C++ side is cpp/cpu/optimizer.cc and adamw_8bit.cc. */
export const optimizerKernels: NativeKernel[] = [
  kernel<Inputs, unknown>('GlobalNorm', ({ inputs, backend }) => {
    const tensors = Object.values(inputs);
    const call = backend.call('GlobalNorm').int(tensors.length);
    for (const x of tensors) call.tensor(x);
    return call.output([], 'float32');
  }),
  adamWKernel('AdamW'),
  adamWKernel('AdamW8bit'),
  kernel<{ x: tf.TensorInfo }, unknown>('StoreAsBf16', ({ inputs: { x }, backend }) =>
    backend.call('Cast').tensor(x).int(Phys.bf16).output(x.shape, 'float32'),
  ),
  // Inputs: for pair i average<i> and value<i>.
  kernel<Inputs, { decay: number; count: number }>('EmaUpdate', (args) => {
    const { inputs, attrs, backend } = args;
    const call = backend.call('EmaUpdate').int(attrs.count);
    for (let i = 0; i < attrs.count; i++) call.inPlace(inputs[`average${i}`]!).tensor(inputs[`value${i}`]!);
    call.real(attrs.decay).run();
    return [];
  }),
  kernel<{ sum: tf.TensorInfo; addend: tf.TensorInfo }, unknown>('AddInPlace', (args) => {
    args.backend.call('AddInPlace').inPlace(args.inputs.sum).tensor(args.inputs.addend).run();
    return [];
  }),
];
