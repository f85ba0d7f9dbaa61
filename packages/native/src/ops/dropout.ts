import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat } from './check.js';
import { hasKernel, runOne } from './dispatch.js';
import { checkKey, keyWords, philoxUniform, type RandomKey } from './philox.js';

/** 1/(1 − rate) where the element is kept, else 0; the numbers of `randomUniform`. */
function keepFactors(shape: number[], rate: number, key: RandomKey): tf.Tensor {
  const uniform = philoxUniform(tf.util.sizeFromShape(shape), key);
  const [limit, factor] = [Math.fround(rate), 1 / (1 - rate)];
  return tf.tensor(
    uniform.map((u) => (u >= limit ? factor : 0)),
    shape,
    'float32',
  );
}

/** The op out of ordinary tfjs ops: the mask is drawn again in the backward pass. */
export function composedDropout(x: tf.Tensor, rate: number, key: RandomKey): tf.Tensor {
  const masked = (values: tf.Tensor) => tf.tidy(() => tf.mul(values, keepFactors(values.shape, rate, key)));
  const op = tf.customGrad((values) => ({
    value: masked(values as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => masked(dy),
  }));
  return op(x);
}

/**
 * Inverted dropout (Srivastava et al. 2014, §10): element i is `x/(1 − rate)` where the i-th uniform number of `key` is at
 * least `rate`, else 0. The mask is a function of the key alone, the same on every backend; it is computed again for the
 * gradient, so nothing is kept and the op may stand in a checkpointed block.
 *
 * @param x any shape
 * @param rate probability of 0, in [0, 1); 0 gives `x` itself (a clone)
 * @param key see `RandomKey`; use another key for every call
 * @throws Error when rate or key is out of range
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, key: RandomKey): T {
  expectFloat('dropout', { x });
  checkKey('dropout', key);
  if (!(rate >= 0 && rate < 1)) throw new Error(`dropout: expected rate in [0, 1), found ${rate}`);
  if (rate === 0) return tf.clone(x) as T;
  const y = hasKernel('Dropout') ? runOne('Dropout', { x }, { rate, ...key }) : composedDropout(x, rate, key);
  return y as T;
}

type DropoutAttrs = RandomKey & { rate: number };

/** Native kernel of `dropout`; the C++ side is cpp/cpu/dropout.cc. */
export const dropoutKernels: NativeKernel[] = [
  kernel<{ x: tf.TensorInfo }, DropoutAttrs>('Dropout', ({ inputs: { x }, attrs, backend }) => {
    const call = backend.call('Dropout').tensor(x);
    // The command keeps the low 32 bits of each.
    for (const word of keyWords(attrs)) call.int(word);
    return call.real(attrs.rate).output(x.shape, 'float32');
  }),
];

tf.registerGradient({
  kernelName: 'Dropout',
  gradFunc: (dy, _saved, attrs) => {
    const { rate, seed, stream, counter } = attrs as unknown as DropoutAttrs;
    return { x: () => runOne('Dropout', { x: dy as tf.Tensor }, { rate, seed, stream, counter }) };
  },
});
