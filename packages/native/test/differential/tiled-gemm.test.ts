/** The tiled matrix product against float64 sums at sizes that reach its tails: rows, columns and depth of any remainder. */
import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { linear } from '../../src/ops/linear.js';
import { loraLinear } from '../../src/ops/lora-linear.js';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { BF16, expectNear, F32, product, rounded } from './products.js';
import { bf16Tensor, Draw, type Input, physName } from './support.js';

describe('tiled products', () => {
  it('meets every remainder of rows, columns and depth, in all transposes and types', () => {
    selectBackend('native');
    const draw = new Draw(101);
    for (let i = 0; i < 24; i++) {
      const [m, n] = [draw.int(16, 230), draw.int(1, 200)];
      const k = Math.max(draw.int(1, 150), Math.ceil(1100000 / (m * n)));
      const [tx, ty] = [draw.unit() < 0.5, draw.unit() < 0.5];
      const x = draw.floats(tx ? [k, m] : [m, k]);
      const y = draw.floats(ty ? [n, k] : [k, n]);
      const [narrowX, narrowY] = [draw.unit() < 0.5, draw.unit() < 0.5];
      tf.tidy(() => {
        const a = narrowX ? bf16Tensor(x) : tf.tensor(x.values, x.shape);
        const b = narrowY ? bf16Tensor(y) : tf.tensor(y.values, y.shape);
        const z = tf.matMul(a, b, tx, ty);
        expect(physName(z)).toBe(narrowX && narrowY ? 'bf16' : 'f32');
        const exact = product(narrowX ? rounded(x) : x, narrowY ? rounded(y) : y, tx, ty);
        expectNear(z, exact, narrowX && narrowY ? BF16 : F32);
        expectNear(
          withAutocast('bf16', () => tf.matMul(a, b, tx, ty)),
          product(rounded(x), rounded(y), tx, ty),
          BF16,
        );
      });
    }
  });

  it('carries sums that are longer than one cut, and keeps bad numbers out of padding', () => {
    selectBackend('native');
    const draw = new Draw(103);
    for (const k of [1024, 1025, 3001]) {
      tf.tidy(() => {
        const [x, y] = [draw.floats([17, k]), draw.floats([k, 66])];
        const exact = product(x, y, false, false);
        expectNear(tf.matMul(tf.tensor(x.values, x.shape), tf.tensor(y.values, y.shape)), exact, 4e-6);
        const narrow = product(rounded(x), rounded(y), false, false);
        expectNear(tf.matMul(bf16Tensor(x), bf16Tensor(y)), narrow, BF16);
        // The row after an odd row begins with what must not be multiplied by the padding.
        x.values.fill(Number.POSITIVE_INFINITY, k, 2 * k);
        const first = tf.slice(tf.matMul(bf16Tensor(x), bf16Tensor(y)), [0, 0], [1, 66]);
        expectNear(first, narrow.slice(0, 66), BF16);
      });
    }
  });

  it('adds the bias of a linear layer in every type, and has exact gradients', () => {
    selectBackend('native');
    const draw = new Draw(107);
    for (const [m, n, k] of [
      [100, 130, 97],
      [64, 384, 96],
      [333, 33, 128],
    ] as const) {
      const [x, w, bias] = [draw.floats([m, k]), draw.floats([n, k]), draw.floats([n])];
      const dy = draw.floats([m, n]);
      tf.tidy(() => {
        const f = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => linear(a, b as tf.Tensor2D, c as tf.Tensor1D);
        const tensors = [x, w, bias].map((t) => tf.tensor(t.values, t.shape));
        const up = tf.tensor(dy.values, dy.shape);
        expectNear(f(tensors[0]!, tensors[1]!, tensors[2]!), product(x, w, false, true, bias), F32);
        const [dx, dw] = tf.grads(f)(tensors, up);
        expectNear(dx!, product(dy, w, false, false), F32);
        expectNear(dw!, product(dy, x, true, false), F32);
        withAutocast('bf16', () => {
          const y = f(tensors[0]!, tensors[1]!, tensors[2]!);
          expect(physName(y)).toBe('bf16');
          expectNear(y, product(rounded(x), rounded(w), false, true, bias), BF16);
          const [narrowDx, narrowDw] = tf.grads(f)(tensors, up);
          expectNear(narrowDx!, product(rounded(dy), rounded(w), false, false), F32);
          expect(physName(narrowDw!)).toBe('f32');
          expectNear(narrowDw!, product(rounded(dy), rounded(x), true, false), F32);
        });
      });
    }
  });

  it('multiplies few rows of f32 with weights of either type, each row as if it stood alone', () => {
    selectBackend('native');
    const draw = new Draw(113);
    for (const [m, n, k] of [
      [1, 67, 130],
      [3, 64, 33],
      [16, 130, 257],
    ] as const) {
      const [x, w, bias] = [draw.floats([m, k]), draw.floats([n, k]), draw.floats([n])];
      tf.tidy(() => {
        const b = tf.tensor1d(bias.values);
        const run = (rows: tf.Tensor, weight: tf.Tensor) => linear(rows, weight as tf.Tensor2D, b);
        const rows = tf.tensor2d(x.values, [m, k]);
        for (const [weight, values] of [
          [tf.tensor(w.values, w.shape), w],
          [bf16Tensor(w), rounded(w)],
        ] as const) {
          const all = run(rows, weight);
          expect(physName(all)).toBe('f32');
          expectNear(all, product(x, values, false, true, bias), F32);
          const last = run(tf.slice(rows, [m - 1, 0], [1, k]), weight);
          expect(last.dataSync()).toEqual(tf.slice(all, [m - 1, 0], [1, n]).dataSync());
        }
      });
    }
  });

  it('sums base and adapter of a low-rank layer before rounding once', () => {
    selectBackend('native');
    const draw = new Draw(109);
    const [m, n, k, r] = [120, 140, 101, 7];
    const [x, w, a, b] = [draw.floats([m, k]), draw.floats([n, k]), draw.floats([r, k]), draw.floats([n, r])];
    tf.tidy(() => {
      const [tx, tw, ta, tb] = [x, w, a, b].map((t) => tf.tensor2d(t.values, t.shape as [number, number]));
      const middle = product(x, a, false, true);
      const scaled = {
        shape: [m, r],
        dtype: 'float32',
        values: Float32Array.from(middle, (v) => v * 0.5),
      } as Input;
      const exact = product(x, w, false, true);
      for (const [i, v] of product(scaled, b, false, true).entries()) exact[i]! += v;
      expectNear(loraLinear(tx!, tw!, null, ta!, tb!, 0.5), exact, F32);
      const narrow = withAutocast('bf16', () => loraLinear(tx!, tw!, null, ta!, tb!, 0.5));
      expect(physName(narrow)).toBe('bf16');
      expectNear(narrow, exact, 3 * BF16);
    });
  });
});
