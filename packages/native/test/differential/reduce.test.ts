import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { selectBackend } from '../../src/select-backend.js';
import { Draw, differ, differBf16 } from './support.js';

type Reduction = (x: tf.Tensor, axis?: number[], keepDims?: boolean) => tf.Tensor;
const reductions: Record<string, Reduction> = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min };

function someAxes(draw: Draw, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, d) => d).filter(() => draw.unit() < 0.5);
  return axes.length > 0 ? axes : [draw.int(0, rank - 1)];
}

describe('reductions against the cpu backend', () => {
  it.each(Object.entries(reductions))('%s', (_, f) => {
    const draw = new Draw(3);
    for (let i = 0; i < 50; i++) {
      const shape = draw.shape(draw.int(1, 5));
      const axes = someAxes(draw, shape.length);
      const keep = draw.unit() < 0.5;
      differ((x) => f(x, axes, keep), [draw.floats(shape)], 5e-5);
      differBf16((x) => f(x, axes, keep), [draw.floats(shape)]);
    }
    differ((x) => f(x, [0]), [draw.floats([1000, 300])], 5e-4);
    differ((x) => f(x, [1]), [draw.floats([300, 1001])], 5e-4);
    differ((x) => f(x), [draw.floats([100003])], 2e-3);
  });

  it('sums a million numbers without losing digits', () => {
    selectBackend('native');
    tf.tidy(() => {
      const total = tf.sum(tf.fill([1_000_000], 0.1)).dataSync()[0]!;
      expect(Math.abs(total - 100000)).toBeLessThan(0.3);
      const columns = tf.sum(tf.fill([200_000, 3], 0.1), 0).dataSync();
      expect(Math.abs(columns[1]! - 20000)).toBeLessThan(0.05);
    });
  });

  it('reduces integers and booleans', () => {
    const draw = new Draw(5);
    for (let i = 0; i < 20; i++) {
      const shape = draw.shape(draw.int(1, 4));
      const axes = someAxes(draw, shape.length);
      for (const f of [tf.sum, tf.max, tf.min, tf.prod]) differ((x) => f(x, axes), [draw.ints(shape, -2, 2)]);
      for (const f of [tf.all, tf.any]) differ((x) => f(x, axes), [draw.bools(shape)]);
    }
  });

  it('finds extremes, ranks and running sums', () => {
    const draw = new Draw(7);
    for (let i = 0; i < 30; i++) {
      const shape = draw.shape(draw.int(1, 4), 20);
      const axis = draw.int(0, shape.length - 1);
      differ((x) => tf.argMax(x, axis), [draw.floats(shape)]);
      differ((x) => tf.argMin(x, axis), [draw.ints(shape, 0, 3)]);
      differ((x) => tf.cumsum(x, axis, i % 2 === 0, i % 3 === 0), [draw.floats(shape)]);
      const k = draw.int(1, shape[shape.length - 1]!);
      differ(
        (x) => {
          const { values, indices } = tf.topk(x, k);
          return [values, indices];
        },
        [draw.floats(shape)],
      );
    }
  });

  it('normalises rows', () => {
    const draw = new Draw(9);
    for (const shape of [[1], [5, 1], [3, 17], [2, 3, 129], [64, 1000]]) {
      differ((x) => tf.softmax(x), [draw.floats(shape, -20, 20)]);
      differ((x) => tf.logSoftmax(x), [draw.floats(shape, -20, 20)], 1e-4);
      differBf16((x) => tf.softmax(x), [draw.floats(shape)]);
    }
  });
});
