/** Weights whose order for the product is kept between calls: never stale, freed with the weight, bounded. */
import { expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { linear } from '../../src/ops/linear.js';
import { AdamW } from '../../src/optim/index.js';
import { withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation, normals } from '../support.js';

const ROWS = 48;
const SIZE = 256;

function narrowLinear(x: tf.Tensor, w: tf.Tensor): Float32Array {
  return withAutocast('bf16', () => tf.tidy(() => linear(x, w as tf.Tensor2D).dataSync() as Float32Array));
}

it('follows a weight that the optimizer changes in place, and one that is assigned', () => {
  selectBackend('native');
  const x = normals([ROWS, SIZE]);
  const w = tf.variable(normals([SIZE, SIZE]));
  const optimizer = new AdamW({ lr: 0.5, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
  for (let step = 0; step < 3; step++) {
    for (let use = 0; use < 5; use++) {
      // A fresh copy of the weight has nothing kept.
      const fresh = tf.tidy(() => narrowLinear(x, tf.mul(w, 1)));
      expect(deviation(narrowLinear(x, w), fresh)).toBe(0);
    }
    const gradient = normals([SIZE, SIZE]);
    tf.dispose([optimizer.step([w], [gradient]), gradient]);
  }
  const other = normals([SIZE, SIZE]);
  w.assign(other);
  expect(deviation(narrowLinear(x, w), narrowLinear(x, other))).toBe(0);
  tf.dispose([x, w, other]);
  optimizer.dispose();
});

it('keeps panels from the third use on and frees them with the weight', () => {
  selectBackend('native');
  const before = memoryStats().liveBytes;
  const x = normals([ROWS, SIZE]);
  const w = normals([SIZE, SIZE]);
  narrowLinear(x, w);
  const bare = memoryStats().liveBytes;
  narrowLinear(x, w);
  expect(memoryStats().liveBytes).toBe(bare);
  narrowLinear(x, w);
  // bf16 panels of the weight, and nothing more however often it is used.
  const kept = memoryStats().liveBytes - bare;
  expect(kept).toBe(2 * SIZE * SIZE);
  narrowLinear(x, w);
  expect(memoryStats().liveBytes - bare).toBe(kept);
  // One row takes the same way as many once the panels are there.
  const row = tf.slice(x, [5, 0], [1, SIZE]);
  expect(deviation(narrowLinear(row, w), narrowLinear(x, w).slice(5 * SIZE, 6 * SIZE))).toBe(0);
  tf.dispose([x, w, row]);
  expect(memoryStats().liveBytes).toBe(before);
});
