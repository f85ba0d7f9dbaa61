/** What is particular to the device 'cuda': choosing it, reads, errors that come later. Runs on a GPU or on the emulator. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { nativeBinding } from '../../src/binding.js';
import { resetCounters, traffic } from '../../src/counters.js';
import { memoryStats, nativeInfo, selectBackend } from '../../src/select-backend.js';

/** Opens the device anew: it reads its environment then. */
function reopen(synchronous: boolean): void {
  process.env.UNICHARACTER_CUDA_SYNC = synchronous ? '1' : '0';
  selectBackend('native', { device: 'cpu' });
  selectBackend('native', { device: 'cuda' });
}

const outOfRange = () =>
  tf.gather(
    tf.range(0, 40),
    tf.tensor1d(
      Int32Array.from({ length: 20 }, (_, i) => 2 * i + 7),
      'int32',
    ),
  );

beforeEach(() => reopen(false));
afterEach(() => {
  expect(memoryStats().liveBuffers).toBe(0);
});

describe('device', () => {
  test('is the one that was asked for, and has a version of nearly every kernel', () => {
    expect(nativeInfo().device).toBe('cuda');
    expect(nativeInfo().gpu).toMatch(/compute capability/);
    const binding = nativeBinding();
    const names = binding.kernels();
    // A new kernel may come without one for a while: it runs on host copies, which strict mode forbids.
    const missing = names.filter((_, i) => !binding.kernelsOnDevice()[i]);
    expect(missing.length, `without a CUDA version: ${missing}`).toBeLessThan(names.length / 10);
    selectBackend('native', { device: 'cpu' });
    expect(nativeInfo().device).toBe('cpu');
  });

  test('stays when no device is asked for, and has a known name', () => {
    selectBackend('native');
    expect(nativeInfo().device).toBe('cuda');
    expect(() => selectBackend('native', { device: 'tpu' as 'cpu' })).toThrow(/'tpu' is not known/);
  });

  test('is not changed while there are tensors', () => {
    const x = tf.range(0, 100);
    expect(() => selectBackend('native', { device: 'cpu' })).toThrow(/while 1 tensors are alive/);
    expect(nativeInfo().device).toBe('cuda');
    x.dispose();
  });
});

describe('reads', () => {
  test('data() gives the values that the tensor had, though it is disposed and its memory used again', async () => {
    const x = tf.range(0, 1000);
    const values = x.data();
    x.dispose();
    const other = tf.fill([1000], -1);
    expect(Array.from(await values)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    other.dispose();
  });

  test('data() widens bf16', async () => {
    const x = tf.tidy(() => tf.engine().runKernel('StoreAsBf16', { x: tf.range(0, 50) }) as tf.Tensor);
    expect(Array.from(await x.data())).toEqual(Array.from({ length: 50 }, (_, i) => i));
    x.dispose();
  });

  test('count their bytes once', async () => {
    resetCounters();
    const x = tf.range(0, 100);
    await x.data();
    expect(traffic.downloads).toBe(1);
    expect(traffic.downloadBytes).toBe(400);
    x.dispose();
  });
});

describe('an index out of range', () => {
  const message = 'GatherV2: the index value 41 is not in [0, 39]';

  test('is reported with the kernel name by the next synchronous read, once', () => {
    const y = tf.tidy(outOfRange);
    const x = tf.range(0, 30);
    expect(() => x.dataSync()).toThrow(message);
    expect(x.dataSync()[29]).toBe(29);
    tf.dispose([x, y]);
  });

  test('is reported by the next asynchronous read', async () => {
    const y = tf.tidy(outOfRange);
    await expect(y.data()).rejects.toThrow(message);
    y.dispose();
  });

  test('is reported by its own call when launches are synchronous', () => {
    reopen(true);
    tf.tidy(() => {
      expect(outOfRange).toThrow(/GatherV2: the index value 41 is not in \[0, 39\]/);
    });
  });
});

test('memory is counted, and peaks are kept', () => {
  const before = memoryStats();
  const x = tf.zeros([1000, 256]);
  const during = memoryStats();
  expect(during.liveBytes - before.liveBytes).toBeGreaterThanOrEqual(1_024_000);
  expect(during.liveBytes - before.liveBytes).toBeLessThanOrEqual(1_280_000);
  x.dispose();
  expect(memoryStats().liveBytes).toBe(before.liveBytes);
  expect(memoryStats().peakBytes).toBeGreaterThanOrEqual(during.liveBytes);
});
