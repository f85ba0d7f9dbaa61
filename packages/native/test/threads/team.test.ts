/** The team of threads: its size, what OMP_DYNAMIC may do to it, and that kernels and oneDNN share it. */
import { expect, test } from 'vitest';
import { inProcess } from '../in-process.js';

test('the environment and setThreads give the size of the team', () => {
  const size = 'return native.nativeInfo().threads';
  expect(inProcess(size, { UNICHARACTER_THREADS: '3' })).toBe(3);
  expect(inProcess(`native.setThreads(5); ${size}`)).toBe(5);
  expect(inProcess(size, { OMP_NUM_THREADS: '2' })).toBe(2);
  expect(inProcess(size, { OMP_NUM_THREADS: '4', OMP_THREAD_LIMIT: '2' })).toBe(2);
  const refused = 'try { native.setThreads(0) } catch (error) { return error.message }';
  expect(inProcess(refused)).toBe('setThreads: expected 1 to 1024 threads, found 0');
});

test.each(['UNICHARACTER_THREADS', 'UNICHARACTER_MEMORY_MB'])('a wrong %s is named', (name) => {
  const message = inProcess('try { native.nativeInfo() } catch (error) { return error.message }', {
    [name]: 'many',
  });
  expect(message).toMatch(new RegExp(`${name}: expected a whole number from 1 to \\d+, found 'many'`));
});

/** A convolution with its gradients, a product and a row kernel: oneDNN's regions and our own. */
const WORK = `
  const { tf } = native;
  native.selectBackend('native');
  const wave = (shape) => tf.tidy(() => tf.reshape(tf.sin(tf.range(0, tf.util.sizeFromShape(shape))), shape));
  const work = () => tf.tidy(() => {
    const f = (x, w) => tf.sum(tf.square(tf.conv2d(x, w, 1, 'same')));
    const [dx, dw] = tf.grads(f)([wave([4, 32, 32, 16]), wave([3, 3, 16, 32])]);
    const product = tf.matMul(wave([256, 192]), wave([192, 320]));
    const parts = [dx, dw, product, tf.softmax(wave([512, 256])), native.rmsNorm(wave([512, 256]), tf.ones([256]), 1e-6)];
    return parts.map((part) => [tf.sum(part), tf.sum(tf.square(part))].map((s) => s.dataSync()[0])).flat();
  });`;

test('OMP_DYNAMIC does not shrink teams under oneDNN', () => {
  // On a busy machine a dynamic OpenMP gives smaller teams than asked for; oneDNN then waits for ever or leaves holes.
  const body = `${WORK}
    const { Worker } = await import('node:worker_threads');
    const spin = 'const end = Date.now() + 20000; while (Date.now() < end);';
    const others = Array.from({ length: 4 }, () => new Worker(spin, { eval: true }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const found = Array.from({ length: 3 }, work);
    await Promise.all(others.map((other) => other.terminate()));
    return found;`;
  const settings = { OMP_NUM_THREADS: '4' };
  const expected = inProcess(`${WORK} return work()`, settings) as number[];
  expect(expected.every(Number.isFinite)).toBe(true);
  const found = inProcess(body, { ...settings, OMP_DYNAMIC: 'true' });
  expect(found).toEqual([expected, expected, expected]);
});

test('kernels and oneDNN share one pool', () => {
  // The addon has started no thread before the first kernel; after all kinds of work there are 3 helpers of 4, not 6.
  const body = `${WORK}
    native.nativeInfo();
    const before = tasks();
    work();
    return tasks() - before;`;
  expect(inProcess(body, { UNICHARACTER_THREADS: '4' })).toBe(3);
  expect(inProcess(body, { UNICHARACTER_THREADS: '1' })).toBe(0);
});

test('changing the number of threads between calls keeps results right', () => {
  const body = `${WORK}
    return [2, 6, 1, 3].map((count) => { native.setThreads(count); return work(); });`;
  const [first, ...others] = inProcess(body) as number[][];
  for (const other of others) {
    other.forEach((value, i) => {
      expect(Math.abs(value - first![i]!)).toBeLessThanOrEqual(1e-3 * Math.max(1, Math.abs(first![i]!)));
    });
  }
});
