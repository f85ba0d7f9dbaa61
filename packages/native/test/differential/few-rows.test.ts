/** Products of few rows with a stored weight, at every remainder of rows, columns and depth, and in every mixture of types. */
import { expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { linear } from '../../src/ops/linear.js';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { BF16, expectNear, F32, product, rounded } from './products.js';
import { bf16Tensor, Draw, type Input, physName } from './support.js';

const stored = (x: Input, narrow: boolean) => (narrow ? bf16Tensor(x) : tf.tensor(x.values, x.shape));

it.each([
  // Type of x, of the weight, and of the product.
  [false, false, 'float32'],
  [false, true, 'float32'],
  [true, false, 'float32'],
  [true, true, 'float32'],
  [false, false, 'bf16'],
  [false, true, 'bf16'],
  [true, true, 'bf16'],
] as const)('x in bf16: %s, weight in bf16: %s, autocast %s', (narrowX, narrowW, precision) => {
  selectBackend('native');
  const draw = new Draw(7);
  for (let rows = 1; rows <= 17; rows++) {
    const [depth, columns] = [draw.int(1, 140), draw.int(1, 40)];
    const [x, w, b] = [draw.floats([rows, depth]), draw.floats([columns, depth]), draw.floats([columns])];
    const [narrowBias, withBias] = [draw.unit() < 0.5, draw.unit() < 0.7];
    tf.tidy(() => {
      const [a, weight] = [stored(x, narrowX) as tf.Tensor2D, stored(w, narrowW) as tf.Tensor2D];
      const bias = withBias ? (stored(b, narrowBias) as tf.Tensor1D) : undefined;
      const y = withAutocast(precision, () => linear(a, weight, bias));
      const narrow = precision === 'bf16' || (narrowX && narrowW);
      expect(physName(y)).toBe(narrow ? 'bf16' : 'f32');
      const [left, right] = [narrow || narrowX ? rounded(x) : x, narrow || narrowW ? rounded(w) : w];
      const added = withBias ? (narrowBias ? rounded(b) : b) : undefined;
      expectNear(y, product(left, right, false, true, added), narrow ? BF16 : F32);
    });
  }
});

it('gives a row the same bits whatever other rows there are', () => {
  selectBackend('native');
  const draw = new Draw(8);
  const [x, w] = [draw.floats([16, 75]), draw.floats([37, 75])];
  for (const narrow of [false, true]) {
    tf.tidy(() => {
      const [a, weight] = [stored(x, narrow) as tf.Tensor2D, stored(w, narrow) as tf.Tensor2D];
      const alone = tf.split(a, 16).map((row) => Array.from(linear(row, weight).dataSync()));
      for (const rows of [2, 3, 5, 7, 16])
        expect(Array.from(linear(tf.slice(a, [0, 0], [rows, 75]), weight).dataSync())).toEqual(
          alone.slice(0, rows).flat(),
        );
    });
  }
});
