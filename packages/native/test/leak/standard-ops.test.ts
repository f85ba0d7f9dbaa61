/** Live native buffers go back to where they were after ops, gradients, errors and worker threads. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { memoryStats, selectBackend } from '../../src/select-backend.js';

describe('native memory', () => {
  it('is given back by tidy, gradients and failing ops', () => {
    selectBackend('native');
    const x = tf.randomNormal([2, 8, 8, 4], 0, 1, 'float32', 5) as tf.Tensor4D;
    const filter = tf.randomNormal([3, 3, 4, 6], 0, 1, 'float32', 6) as tf.Tensor4D;
    const step = () =>
      tf.tidy(() => {
        const f = (v: tf.Tensor4D, k: tf.Tensor4D) => {
          const y = tf.relu(tf.conv2d(v, k, 1, 'same'));
          const [a, b] = tf.split(y, 2, 3);
          const joined = tf.concat(
            [tf.maxPool(a as tf.Tensor4D, 2, 2, 'valid'), tf.avgPool(b as tf.Tensor4D, 2, 2, 'valid')],
            3,
          );
          return tf.mean(tf.softmax(tf.reshape(joined, [-1, 6]))) as tf.Scalar;
        };
        const grads = tf.grads(f as (...v: tf.Tensor[]) => tf.Tensor)([x, filter]);
        return grads[0]!.sum().dataSync()[0];
      });
    step();
    const before = memoryStats();
    for (let i = 0; i < 5; i++) {
      step();
      tf.tidy(() => {
        expect(() => tf.gather(x, tf.tensor1d([99], 'int32'))).toThrow();
        expect(() => tf.matMul(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow();
      });
    }
    const after = memoryStats();
    expect(after.liveBuffers).toBe(before.liveBuffers);
    expect(after.liveBytes).toBe(before.liveBytes);
    tf.dispose([x, filter]);
  });

  it('reports the bytes of what is alive', () => {
    selectBackend('native');
    const before = memoryStats();
    const x = tf.fill([1024, 256], 1);
    expect(memoryStats().liveBytes - before.liveBytes).toBe(1024 * 256 * 4);
    expect(memoryStats().liveBuffers - before.liveBuffers).toBe(1);
    x.dispose();
    expect(memoryStats().liveBytes).toBe(before.liveBytes);
    expect(memoryStats().peakBytes).toBeGreaterThanOrEqual(before.liveBytes + 1024 * 256 * 4);
  });

  it('is separate in every worker thread', async () => {
    selectBackend('native');
    const entry = new URL('../../addon/unicharacter_native.node', import.meta.url).pathname;
    const code = `
      const { parentPort } = require('node:worker_threads');
      const binding = require(${JSON.stringify(entry)});
      const slots = Array.from({ length: 50 }, () => binding.upload(new Float32Array(1000)));
      slots.forEach((s) => binding.release(s));
      binding.upload(new Float32Array(10));
      parentPort.postMessage(binding.memory().liveBuffers);`;
    const before = memoryStats().liveBuffers;
    const counts = await Promise.all(
      [0, 1, 2].map(
        () =>
          new Promise<number>((resolve, reject) => {
            const worker = new Worker(code, { eval: true });
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    expect(counts).toEqual([1, 1, 1]);
    expect(memoryStats().liveBuffers).toBe(before);
  });
});
