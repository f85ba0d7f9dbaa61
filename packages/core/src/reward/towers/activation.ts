import { geluTanh, silu, tf } from '@unicharacter/native';
import Type, { type Static } from 'typebox';

/** Names of activations as configurations spell them. */
export const ActivationName = Type.Union([
  Type.Literal('quick_gelu'),
  Type.Literal('gelu'),
  Type.Literal('gelu_pytorch_tanh'),
  Type.Literal('silu'),
  Type.Literal('relu'),
]);

export type ActivationName = Static<typeof ActivationName>;

type Activation = (x: tf.Tensor2D) => tf.Tensor2D;

const QUICK = 1.702;

const ACTIVATIONS: Readonly<Record<ActivationName, Activation>> = {
  /** x · σ(1.702 x), from silu(y) = y · σ(y) with y = 1.702 x */
  quick_gelu: (x) => tf.tidy(() => tf.div(silu(tf.mul(x, QUICK)), QUICK)),
  /** x · Φ(x), exact (Hendrycks & Gimpel 2016) */
  gelu: (x) => tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))),
  gelu_pytorch_tanh: geluTanh,
  silu,
  relu: (x) => tf.relu(x),
};

export function activationOf(name: ActivationName): Activation {
  return ACTIVATIONS[name];
}
