import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, sameShape } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';

/** `x · σ(x)` out of ordinary tfjs ops. */
export function composedSilu(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(x, tf.sigmoid(x)));
}

/** tanh-GELU out of ordinary tfjs ops. */
export function composedGeluTanh(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const cubic = tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715));
    const gate = tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1);
    return tf.mul(tf.mul(x, 0.5), gate);
  });
}

/** SiLU(gate) · up out of ordinary tfjs ops. */
export function composedSwiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(composedSilu(gate), up));
}

/** Sigmoid-weighted linear unit `x · σ(x)`, element by element; the shape of `x` is free. */
export function silu<T extends tf.Tensor>(x: T): T {
  expectFloat('silu', { x });
  return (hasKernel('Silu') ? runOne('Silu', { x }, { bf16: computesInBf16() }) : composedSilu(x)) as T;
}

/**
 * GELU in its tanh form, `0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))` (specification §2.9; Hendrycks & Gimpel 2016),
 * element by element; the shape of `x` is free.
 */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  expectFloat('geluTanh', { x });
  return (
    hasKernel('GeluTanh') ? runOne('GeluTanh', { x }, { bf16: computesInBf16() }) : composedGeluTanh(x)
  ) as T;
}

/**
 * Gate of a SwiGLU feed-forward block, `silu(gate) · up` (specification §2.4; Shazeer 2020, eq. 6).
 *
 * @param gate any shape
 * @param up the shape of `gate`
 * @throws Error naming both shapes when they differ
 */
export function swiglu<T extends tf.Tensor>(gate: T, up: T): T {
  expectFloat('swiglu', { gate, up });
  expectThat(sameShape(gate, up), 'swiglu', 'gate and up of one shape', { gate, up });
  const fused = hasKernel('Swiglu');
  return (fused ? runOne('Swiglu', { gate, up }, { bf16: computesInBf16() }) : composedSwiglu(gate, up)) as T;
}

interface ActivationAttrs {
  /** Store the result as bf16. */
  bf16: boolean;
}

/** Forward and backward kernel of an activation of one tensor. */
function activation(name: string): NativeKernel[] {
  tf.registerGradient({
    kernelName: name,
    inputsToSave: ['x'],
    gradFunc: (dy, saved) => ({ x: () => runOne(`${name}Grad`, { x: saved[0]!, dy: dy as tf.Tensor }) }),
  });
  return [
    kernel<{ x: tf.TensorInfo }, ActivationAttrs>(name, ({ inputs: { x }, attrs, backend }) =>
      backend.call(name).tensor(x).flag(attrs.bf16).output(x.shape, 'float32'),
    ),
    kernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, unknown>(
      `${name}Grad`,
      ({ inputs: { x, dy }, backend }) =>
        backend.call(`${name}Grad`).tensor(x).tensor(dy).output(x.shape, 'float32'),
    ),
  ];
}

/** Native kernels of the activations; the C++ side is cpp/cpu/activations.cc. */
export const activationKernels: NativeKernel[] = [
  ...activation('Silu'),
  ...activation('GeluTanh'),
  kernel<{ gate: tf.TensorInfo; up: tf.TensorInfo }, ActivationAttrs>('Swiglu', (args) => {
    const { gate, up } = args.inputs;
    const call = args.backend.call('Swiglu').tensor(gate).tensor(up).flag(args.attrs.bf16);
    return call.output(gate.shape, 'float32');
  }),
  kernel<{ gate: tf.TensorInfo; up: tf.TensorInfo; dy: tf.TensorInfo }, unknown>('SwigluGrad', (args) => {
    const { gate, up, dy } = args.inputs;
    const call = args.backend.call('SwigluGrad').tensor(gate).tensor(up).tensor(dy);
    return call.outputs([gate.shape, up.shape], 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'Swiglu',
  inputsToSave: ['gate', 'up'],
  gradFunc: (dy, saved) => {
    const [gate, up] = saved as [tf.Tensor, tf.Tensor];
    const [dGate, dUp] = runMany('SwigluGrad', { gate, up, dy: dy as tf.Tensor });
    return { gate: () => dGate!, up: () => dUp! };
  },
});
