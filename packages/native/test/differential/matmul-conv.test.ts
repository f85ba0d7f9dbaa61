import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { bf16Tensor, Draw, differ, differBf16, physName } from './support.js';

describe('matrix products against the cpu backend', () => {
  it('multiplies with every transpose, batched, broadcast and at odd sizes', () => {
    const draw = new Draw(51);
    for (let i = 0; i < 60; i++) {
      const [m, n, k] = [draw.int(1, 40), draw.int(1, 40), draw.int(1, 40)];
      const batch = draw.pick([[], [3], [2, 3]]);
      const [transposeA, transposeB] = [draw.unit() < 0.5, draw.unit() < 0.5];
      const shared = draw.pick(['none', 'a', 'b'] as const);
      const a = [...(shared === 'a' ? [] : batch), ...(transposeA ? [k, m] : [m, k])];
      const b = [...(shared === 'b' ? [] : batch), ...(transposeB ? [n, k] : [k, n])];
      const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposeA, transposeB);
      differ(f, [draw.floats(a), draw.floats(b)], 1e-4);
      differBf16(f, [draw.floats(a), draw.floats(b)], 5e-2);
    }
  });

  it('broadcasts stacks in both directions', () => {
    selectBackend('native');
    tf.tidy(() => {
      const draw = new Draw(53);
      const a = tf.tensor(draw.floats([2, 1, 3, 4]).values, [2, 1, 3, 4]);
      const b = tf.tensor(draw.floats([1, 5, 4, 2]).values, [1, 5, 4, 2]);
      const y = tf.matMul(a, b);
      expect(y.shape).toEqual([2, 5, 3, 2]);
      const one = tf.matMul(
        tf.reshape(tf.slice(a, [1, 0, 0, 0], [1, 1, 3, 4]), [3, 4]),
        tf.reshape(tf.slice(b, [0, 3, 0, 0], [1, 1, 4, 2]), [4, 2]),
      );
      const part = tf.slice(y, [1, 3, 0, 0], [1, 1, 3, 2]).dataSync();
      for (const [i, v] of one.dataSync().entries()) expect(part[i]).toBeCloseTo(v, 4);
    });
  });

  it('fuses bias and activation', () => {
    const draw = new Draw(55);
    for (const activation of ['linear', 'relu', 'elu', 'sigmoid', 'relu6'] as const) {
      differ(
        (a, b, bias) => tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation }),
        [draw.floats([9, 17]), draw.floats([17, 5]), draw.floats([5])],
      );
    }
  });

  it('computes in bf16 under autocast, in f32 otherwise', () => {
    selectBackend('native');
    tf.tidy(() => {
      const draw = new Draw(57);
      const x = tf.tensor(draw.floats([32, 64]).values, [32, 64]);
      const y = withAutocast('bf16', () => tf.matMul(x, x, false, true));
      expect(physName(y)).toBe('bf16');
      expect(physName(tf.matMul(x, x, false, true))).toBe('f32');
      expect(physName(tf.matMul(bf16Tensor(draw.floats([4, 4])), tf.ones([4, 4])))).toBe('f32');
    });
  });

  it('multiplies big matrices', () => {
    const draw = new Draw(59);
    differ((a, b) => tf.matMul(a, b), [draw.floats([129, 300]), draw.floats([300, 257])], 1e-4);
  });
});

describe('convolutions against the cpu backend', () => {
  it('convolves forward and backward for random windows', () => {
    const draw = new Draw(61);
    for (let i = 0; i < 25; i++) {
      const [h, w, ci, co] = [draw.int(4, 11), draw.int(4, 11), draw.int(1, 9), draw.int(1, 9)];
      const [kh, kw] = [draw.int(1, 3), draw.int(1, 3)];
      const strides = draw.pick([1, 2]);
      const pad = draw.pick(['same', 'valid', 1] as const);
      const dilations = strides === 1 && pad !== 1 ? draw.pick([1, 2]) : 1;
      if (pad === 'valid' && (h < (kh - 1) * dilations + 1 || w < (kw - 1) * dilations + 1)) continue;
      const x = draw.floats([draw.int(1, 3), h, w, ci]);
      const filter = draw.floats([kh, kw, ci, co]);
      const f = (a: tf.Tensor, b: tf.Tensor) =>
        tf.conv2d(
          a as tf.Tensor4D,
          b as tf.Tensor4D,
          strides,
          pad,
          'NHWC',
          dilations,
          pad === 1 ? 'floor' : undefined,
        );
      differ(f, [x, filter], 1e-4);
      differBf16(f, [x, filter], 3e-2);
      if (dilations === 1) {
        const both = (a: tf.Tensor, b: tf.Tensor) =>
          tf.grads((p: tf.Tensor, q: tf.Tensor) => tf.square(f(p, q)))([a, b]);
        differ(both, [x, filter], 1e-3);
      }
    }
  });

  it('convolves NCHW, transposed and depthwise', () => {
    const draw = new Draw(67);
    const x = draw.floats([2, 5, 7, 6]);
    differ(
      (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same', 'NCHW'),
      [x, draw.floats([3, 3, 5, 4])],
      1e-4,
    );
    differ(
      (a, b) => tf.conv2dTranspose(a as tf.Tensor4D, b as tf.Tensor4D, [2, 10, 14, 3], 2, 'same'),
      [x, draw.floats([3, 3, 3, 6])],
      1e-4,
    );
    const depthwise = (a: tf.Tensor, b: tf.Tensor) =>
      tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same');
    const inputs = [draw.floats([2, 9, 8, 5]), draw.floats([3, 3, 5, 2])];
    differ(depthwise, inputs, 1e-4);
    differ(
      (a, b) => tf.grads((p: tf.Tensor, q: tf.Tensor) => tf.square(depthwise(p, q)))([a, b]),
      inputs,
      1e-3,
    );
  });

  it('fuses bias and activation', () => {
    const draw = new Draw(71);
    const inputs = [draw.floats([2, 6, 6, 3]), draw.floats([3, 3, 3, 4]), draw.floats([4])];
    differ(
      (x, filter, bias) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: 'same',
          bias,
          activation: 'relu',
        }),
      inputs,
      1e-4,
    );
  });

  it('pools and resizes with their gradients', () => {
    const draw = new Draw(73);
    for (let i = 0; i < 20; i++) {
      const x = draw.floats([draw.int(1, 2), draw.int(3, 9), draw.int(3, 9), draw.int(1, 20)]);
      const [size, strides] = [draw.int(1, 3), draw.int(1, 2)];
      for (const pool of [tf.maxPool, tf.avgPool]) {
        const f = (a: tf.Tensor) => pool(a as tf.Tensor4D, size, strides, 'valid');
        differ(f, [x]);
        differ((a) => tf.grad((v) => tf.square(f(v)))(a), [x], 1e-4);
        differ((a) => pool(a as tf.Tensor4D, size, strides, 'same'), [x]);
      }
      const to: [number, number] = [draw.int(1, 12), draw.int(1, 12)];
      const align = draw.unit() < 0.5;
      const half = !align && draw.unit() < 0.5;
      const bilinear = (a: tf.Tensor) => tf.image.resizeBilinear(a as tf.Tensor4D, to, align, half);
      const nearest = (a: tf.Tensor) => tf.image.resizeNearestNeighbor(a as tf.Tensor4D, to, align, half);
      differ(bilinear, [x], 1e-4);
      differ(nearest, [x]);
      // The stock gradient ignores half-pixel centres and takes height for width: only square images can be compared.
      if (!half && x.shape[1] === x.shape[2]) {
        differ((a) => tf.grad((v) => tf.square(bilinear(v)))(a), [x], 1e-3);
      }
    }
  });

  it('gives resizing its exact adjoint', () => {
    selectBackend('native');
    tf.tidy(() => {
      const draw = new Draw(79);
      for (const resize of [tf.image.resizeNearestNeighbor, tf.image.resizeBilinear]) {
        for (const half of [false, true]) {
          const x = tf.tensor(draw.floats([1, 5, 4, 3]).values, [1, 5, 4, 3]) as tf.Tensor4D;
          const dy = tf.tensor(draw.floats([1, 10, 9, 3]).values, [1, 10, 9, 3]);
          const f = (v: tf.Tensor) => resize(v as tf.Tensor4D, [10, 9], false, half);
          // <f(x), dy> = <x, f*(dy)> for a linear f.
          const left = tf.sum(tf.mul(f(x), dy)).dataSync()[0]!;
          const right = tf.sum(tf.mul(x, tf.grad(f)(x, dy))).dataSync()[0]!;
          expect(right).toBeCloseTo(left, 3);
        }
      }
    });
  });
});
