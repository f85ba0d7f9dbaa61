/** Which physical type each kind of op gives: bf16 only from bf16 operands alone, sums and gradients of weights in f32. */
import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { linear } from '../../src/ops/linear.js';
import { linearCrossEntropy } from '../../src/ops/linear-cross-entropy.js';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { bf16Tensor, Draw, physName } from './support.js';

type F = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

const follows: [string, F][] = [
  ['add', tf.add],
  ['mul', tf.mul],
  ['maximum', tf.maximum],
  ['matMul', (x, y) => tf.matMul(x, y)],
  ['where', (x, y) => tf.where(tf.greater(x, 0), x, y)],
  ['concat', (x, y) => tf.concat([x, y], 0)],
];
const keeps: [string, (x: tf.Tensor) => tf.Tensor][] = [
  ['relu', tf.relu],
  ['sigmoid', tf.sigmoid],
  ['exp', tf.exp],
  ['times a JavaScript number', (x) => tf.mul(x, 0.5)],
  ['transpose', (x) => tf.transpose(x)],
  ['slice', (x) => tf.slice(x, [1, 0], [2, 4])],
  ['reshape', (x) => tf.reshape(x, [-1])],
  ['gather', (x) => tf.gather(x, tf.tensor1d([0, 2], 'int32'))],
  [
    'pad',
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
  ],
  ['tile', (x) => tf.tile(x, [2, 1])],
];
const widens: [string, (x: tf.Tensor) => tf.Tensor][] = [
  ['sum', (x) => tf.sum(x)],
  ['sum of rows', (x) => tf.sum(x, 1)],
  ['mean', (x) => tf.mean(x, 0)],
  [
    'linearCrossEntropy',
    (x) => linearCrossEntropy(x as tf.Tensor2D, x as tf.Tensor2D, tf.tensor1d([0, 1, 2, 3], 'int32')),
  ],
];

function operands() {
  selectBackend('native');
  const draw = new Draw(131);
  const [a, b] = [draw.floats([4, 4]), draw.floats([4, 4])];
  return { narrow: bf16Tensor(a), other: bf16Tensor(b), wide: tf.tensor(b.values, b.shape) };
}

describe('physical types', () => {
  it.each(follows)('%s is bf16 when all operands are', (_, f) =>
    tf.tidy(() => {
      const { narrow, other, wide } = operands();
      expect(physName(f(narrow, other))).toBe('bf16');
      expect(physName(f(narrow, wide))).toBe('f32');
      expect(physName(f(wide, narrow))).toBe('f32');
      expect(physName(f(wide, wide))).toBe('f32');
    }),
  );

  it.each(keeps)('%s keeps the type of its operand', (_, f) =>
    tf.tidy(() => {
      const { narrow, wide } = operands();
      expect(physName(f(narrow))).toBe('bf16');
      expect(physName(f(wide))).toBe('f32');
    }),
  );

  it.each(widens)('%s is f32', (_, f) =>
    tf.tidy(() => {
      const { narrow } = operands();
      expect(physName(f(narrow))).toBe('f32');
    }),
  );

  it('gives the gradient of an activation its type and that of a weight f32', () =>
    tf.tidy(() => {
      const { narrow, wide, other } = operands();
      const f = (x: tf.Tensor, w: tf.Tensor) => withAutocast('bf16', () => linear(x, w as tf.Tensor2D));
      const [dx, dw] = tf.grads(f)([narrow, wide], other);
      expect(physName(dx!)).toBe('bf16');
      expect(physName(dw!)).toBe('f32');
    }));
});
