import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../lib/tfjs.mjs';
import { valueAndGrads } from '../src/autodiff/index.js';
import { KeptResult } from '../src/kept-result.js';
import { AdamW } from '../src/optim/index.js';
import { selectBackend } from '../src/select-backend.js';

describe.each(['cpu', 'native'] as const)('a kept result on %s', (backend) => {
  beforeAll(() => {
    selectBackend(backend);
  });

  test('is computed again after assign and after a step in place, and only then', () => {
    const before = tf.memory().numTensors;
    const x = tf.tidy(() => tf.variable(tf.range(0, 40)));
    const kept = new KeptResult<tf.Tensor>();
    let times = 0;
    const doubled = () =>
      kept.of([x], () => {
        times++;
        return tf.mul(x, 2);
      });
    expect(doubled().dataSync()[3]).toBe(6);
    tf.tidy(() => doubled());
    expect([doubled().dataSync()[3], times]).toEqual([6, 1]);
    tf.tidy(() => x.assign(tf.fill([40], 5)));
    expect([doubled().dataSync()[3], times]).toEqual([10, 2]);
    const optimizer = new AdamW({ betas: [0.9, 0.9], eps: 1e-8, weightDecay: 0, lr: 1 });
    tf.tidy(() => {
      optimizer.step([x], [tf.ones([40])]);
    });
    expect(doubled().dataSync()[3]).toBeCloseTo(8, 5);
    expect(times).toBe(3);
    const { loss, grads } = valueAndGrads(() => ({ loss: tf.sum(tf.mul(x, doubled())) as tf.Scalar }), [x]);
    // As a constant: with x counted in the kept part too it would be 16.
    expect(grads[0]!.dataSync()[3]).toBeCloseTo(8, 5);
    tf.dispose([loss, ...grads.filter((g) => g !== null)]);
    optimizer.dispose();
    kept.dispose();
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
