import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat } from './check.js';
import { hasKernel, runOne } from './dispatch.js';

/** Frequencies θ^(−2k/D) for k < D/2, rounded to float32 once; the native kernel computes the same values. */
export function inverseFrequencies(size: number, theta: number): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, k) => theta ** ((-2 * k) / size));
}

/** The op out of ordinary tfjs ops; also the reference of the tests. */
export function composedRope(x: tf.Tensor3D, positions: tf.Tensor1D, theta: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [tokens, heads, size] = x.shape;
    const half = size / 2;
    const frequencies = tf.tensor(inverseFrequencies(size, theta), [1, 1, half]);
    const angles = tf.mul(tf.reshape(tf.cast(positions, 'float32'), [tokens, 1, 1]), frequencies);
    const cos = tf.cos(angles);
    const sin = tf.sin(angles);
    const a = tf.slice(x, [0, 0, 0], [tokens, heads, half]);
    const b = tf.slice(x, [0, 0, half], [tokens, heads, half]);
    const first = tf.sub(tf.mul(a, cos), tf.mul(b, sin));
    const second = tf.add(tf.mul(b, cos), tf.mul(a, sin));
    return tf.concat([first, second], 2) as tf.Tensor3D;
  });
}

/**
 * Rotary position embedding, half-split layout (specification §2.3; Su et al. 2021): with `x = [a | b]` along the last
 * dimension and angle `p · θ^(−2k/D)`, `y = [a·cos − b·sin | b·cos + a·sin]`. Angles are float32 products of float32
 * frequencies, the sines are accurate to float32 for positions up to 2¹⁷.
 *
 * @param x `[T, H, D]`, D even
 * @param positions int32 `[T]`; no gradient
 * @param theta base, for example 1e6
 * @throws Error naming the shapes when they do not fit
 */
export function rope(x: tf.Tensor3D, positions: tf.Tensor1D, theta: number): tf.Tensor3D {
  expectFloat('rope', { x });
  const fits =
    x.rank === 3 &&
    positions.rank === 1 &&
    positions.dtype === 'int32' &&
    positions.shape[0] === x.shape[0] &&
    x.shape[2] % 2 === 0;
  expectThat(fits, 'rope', 'x [T, H, D] with even D and positions int32 [T]', { x, positions });
  if (!hasKernel('Rope')) return composedRope(x, positions, theta);
  return runOne('Rope', { x, positions }, { theta, inverse: false }) as tf.Tensor3D;
}

interface RopeAttrs {
  theta: number;
  /** Rotate by the opposite angle: the gradient. */
  inverse: boolean;
}

/** Native kernel of `rope`; the C++ side is cpp/cpu/rope.cc. */
export const ropeKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo; positions: tf.TensorInfo }, RopeAttrs>('Rope', (args) => {
    const { x, positions } = args.inputs;
    const { theta, inverse } = args.attrs;
    return args.backend
      .call('Rope')
      .tensor(x)
      .tensor(positions)
      .flag(inverse)
      .real(theta)
      .output(x.shape, 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'Rope',
  inputsToSave: ['positions'],
  gradFunc: (dy, saved, attrs) => {
    const { theta, inverse } = attrs as unknown as RopeAttrs;
    const inputs = { x: dy as tf.Tensor, positions: saved[0]! };
    return { x: () => runOne('Rope', inputs, { theta, inverse: !inverse }) };
  },
});
