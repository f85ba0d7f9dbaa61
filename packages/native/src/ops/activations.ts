import * as tf from '../../lib/tfjs.mjs';
import { expectFloat, expectThat, sameShape } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

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
  return (hasKernel('Silu') ? runOne('Silu', { x }) : composedSilu(x)) as T;
}

/**
 * GELU in its tanh form, `0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))` (specification §2.9; Hendrycks & Gimpel 2016),
 * element by element; the shape of `x` is free.
 */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  expectFloat('geluTanh', { x });
  return (hasKernel('GeluTanh') ? runOne('GeluTanh', { x }) : composedGeluTanh(x)) as T;
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
  return (hasKernel('Swiglu') ? runOne('Swiglu', { gate, up }) : composedSwiglu(gate, up)) as T;
}
