import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { selectBackend } from '../../src/select-backend.js';
import { bf16Tensor, Draw, differ, differBf16, type Input, physName } from './support.js';

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const anywhere: Record<string, Unary> = {
  ...{
    abs: tf.abs,
    neg: tf.neg,
    square: tf.square,
    sign: tf.sign,
    exp: tf.exp,
    expm1: tf.expm1,
    sin: tf.sin,
  },
  ...{
    cos: tf.cos,
    tan: tf.tan,
    atan: tf.atan,
    sinh: tf.sinh,
    cosh: tf.cosh,
    asinh: tf.asinh,
    tanh: tf.tanh,
  },
  ...{
    sigmoid: tf.sigmoid,
    relu: tf.relu,
    relu6: tf.relu6,
    elu: tf.elu,
    selu: tf.selu,
    softplus: tf.softplus,
  },
  ...{ erf: tf.erf, floor: tf.floor, ceil: tf.ceil, round: tf.round, isNaN: tf.isNaN, isFinite: tf.isFinite },
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  clip: (x) => tf.clipByValue(x, -0.5, 1.25),
  step: (x) => tf.step(x, 0.25),
  castToInt: (x) => tf.cast(x, 'int32'),
  castToBool: (x) => tf.cast(x, 'bool'),
};
const aboveZero: Record<string, Unary> = {
  ...{ sqrt: tf.sqrt, rsqrt: tf.rsqrt, log: tf.log, log1p: tf.log1p, reciprocal: tf.reciprocal },
};
const arithmetic: Record<string, Binary> = {
  ...{ add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div, maximum: tf.maximum, minimum: tf.minimum },
  ...{ squaredDifference: tf.squaredDifference, atan2: tf.atan2 },
};
const whole: Record<string, Binary> = {
  ...{ add: tf.add, sub: tf.sub, mul: tf.mul, maximum: tf.maximum, minimum: tf.minimum, mod: tf.mod },
  ...{ floorDiv: tf.floorDiv, squaredDifference: tf.squaredDifference },
};
const comparisons: Record<string, Binary> = {
  ...{ equal: tf.equal, notEqual: tf.notEqual, greater: tf.greater, greaterEqual: tf.greaterEqual },
  ...{ less: tf.less, lessEqual: tf.lessEqual },
};

/** Two shapes that broadcast: dimensions are dropped or set to one at random. */
function pair(draw: Draw): [number[], number[]] {
  const full = draw.shape(draw.int(1, 5), 7);
  const shrink = () => full.slice(draw.int(0, full.length)).map((s) => (draw.unit() < 0.3 ? 1 : s));
  return draw.unit() < 0.5 ? [full, shrink()] : [shrink(), full];
}

describe('elementwise kernels against the cpu backend', () => {
  it.each(Object.entries({ ...anywhere, ...aboveZero }))('%s', (name, f) => {
    const draw = new Draw(11);
    for (const n of [1, 7, 16, 33, 2047, 2048, 2049, 70001]) {
      const x = name in aboveZero ? draw.floats([n], 0.1, 4) : draw.floats([n], -3, 3);
      differ(f, [x], 2e-5);
    }
  });

  it('keeps infinities and NaN', () => {
    const values = Float32Array.of(Infinity, -Infinity, NaN, 0, -0, 1e38, -1e38, 1e-38, 100, -110);
    const x: Input = { shape: [10], dtype: 'float32', values };
    for (const f of [tf.exp, tf.log, tf.sigmoid, tf.tanh, tf.relu, tf.sqrt, tf.abs, tf.isNaN, tf.isInf])
      differ(f, [x]);
  });

  it.each(Object.entries(arithmetic))('%s broadcasts', (_, f) => {
    const draw = new Draw(23);
    for (let i = 0; i < 40; i++) {
      const [a, b] = pair(draw);
      differ(f, [draw.floats(a), draw.floats(b, 0.5, 2)]);
    }
    differ(f, [draw.floats([300, 257]), draw.floats([257], 0.5, 2)]);
    differ(f, [draw.floats([300, 1]), draw.floats([300, 257], 0.5, 2)]);
  });

  it.each(Object.entries(whole))('%s of int32', (_, f) => {
    const draw = new Draw(31);
    for (let i = 0; i < 30; i++) {
      const [a, b] = pair(draw);
      differ(f, [draw.ints(a, -50, 50), draw.ints(b, 1, 9)]);
    }
  });

  it.each(Object.entries(comparisons))('%s', (_, f) => {
    const draw = new Draw(37);
    for (let i = 0; i < 20; i++) {
      const [a, b] = pair(draw);
      differ(f, [draw.ints(a, -2, 2), draw.ints(b, -2, 2)]);
      differ(f, [draw.floats(a), draw.floats(b)]);
    }
  });

  it('computes with bf16 operands and stores bf16', () => {
    const draw = new Draw(41);
    for (let i = 0; i < 30; i++) {
      const [a, b] = pair(draw);
      differBf16(tf.add, [draw.floats(a), draw.floats(b)]);
      differBf16(tf.mul, [draw.floats(a), draw.floats(b)]);
      differBf16(tf.tanh, [draw.floats(a)]);
    }
    selectBackend('native');
    tf.tidy(() => {
      const half = bf16Tensor(draw.floats([5]));
      const full = tf.tensor(new Float32Array(20), [20]).slice([0], [5]);
      expect(physName(tf.add(half, half))).toBe('bf16');
      expect(physName(tf.add(half, full))).toBe('f32');
      expect(physName(tf.mul(half, 0.5))).toBe('bf16');
      expect(physName(tf.sum(half))).toBe('f32');
      expect(physName(tf.cast(tf.tensor1d([1], 'int32'), 'float32'))).toBe('f32');
    });
  });

  it('selects', () => {
    const draw = new Draw(43);
    for (let i = 0; i < 20; i++) {
      const shape = draw.shape(draw.int(1, 4));
      const f = (c: tf.Tensor, t: tf.Tensor, e: tf.Tensor) => tf.where(c, t, e);
      differ(f, [draw.bools(shape), draw.floats(shape), draw.floats(shape)]);
      differ(f, [draw.bools(shape), draw.ints(shape, -9, 9), draw.ints(shape, -9, 9)]);
    }
  });
});
