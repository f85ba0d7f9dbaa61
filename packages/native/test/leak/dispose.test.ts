/** Disposing twice, using what is gone, and reading what goes while it is read. */
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { rmsNorm } from '../../src/ops/index.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';

beforeAll(() => {
  selectBackend('native');
});

// Values that only JavaScript touched are on the host, longer ones in native memory.
test.each([[[2, 3]], [[64, 64]]])('a disposed tensor of shape [%s]', (shape) => {
  const before = [tf.memory().numTensors, memoryStats().liveBuffers];
  const x = tf.ones(shape);
  const alias = tf.reshape(x, [-1]);
  x.dispose();
  x.dispose();
  expect(alias.dataSync()[0]).toBe(1);
  alias.dispose();
  alias.dispose();
  expect([tf.memory().numTensors, memoryStats().liveBuffers]).toEqual(before);
  const gone = new RegExp(`float32\\[${shape}\\].* was used after it had been disposed`);
  tf.tidy(() => {
    expect(() => tf.add(x, 1)).toThrow(gone);
    expect(() => tf.add(x, 1)).toThrow(/^Add: /);
    expect(() => tf.sum(x)).toThrow(gone);
    expect(() => rmsNorm(x, tf.ones([shape[1]!]), 1e-6)).toThrow(/^RmsNorm: /);
  });
  expect([tf.memory().numTensors, memoryStats().liveBuffers]).toEqual(before);
});

test('data() gives the values of the moment of the call, also when the tensor goes or changes before it resolves', async () => {
  const x = tf.fill([40, 50], 2);
  const variable = tf.variable(x, false);
  const pending = [x.data(), x.data(), variable.data()];
  variable.assign(tf.tidy(() => tf.mul(x, 3)));
  tf.dispose([x, variable] as tf.TensorContainer);
  for (const values of await Promise.all(pending)) {
    expect(values).toHaveLength(2000);
    expect(new Set(values)).toEqual(new Set([2]));
  }
});

test('tf.memory() tells the physical bytes beside its own logical sum', () => {
  const x = tf.fill([100, 100], 1);
  const alias = tf.reshape(x, [-1]);
  const { numBytes, unreliable, ...rest } = tf.memory() as tf.MemoryInfo & { liveBytes: number };
  expect(unreliable).toBe(false);
  expect(rest.liveBytes).toBe(memoryStats().liveBytes);
  expect(rest.liveBytes).toBeGreaterThanOrEqual(40_000);
  expect(numBytes).toBeGreaterThanOrEqual(40_000);
  tf.dispose([x, alias]);
});
