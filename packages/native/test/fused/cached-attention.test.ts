/** Cached attention and page writes on the native backend against the composition on 'cpu'. */
import { expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { resetCounters, strict, traffic } from '../../src/counters.js';
import { composedKvWrite } from '../../src/ops/cached-attention.js';
import { cachedAttention, kvWrite, type PagedCache } from '../../src/ops/index.js';
import { randomNormal } from '../../src/ops/random.js';
import { withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const [heads, keyHeads, page] = [4, 2, 4];
const pageTable = Int32Array.of(8, 0, 3, 5, 1, 2, 4, 6, 7, 9, 20, 11, 12, 13, 14, 15, 16, 17, 18, 19, 10);

function draw(shape: number[], stream: number): tf.Tensor3D {
  return randomNormal(shape, { seed: 3, stream, counter: 0 }) as tf.Tensor3D;
}

function attend(
  backend: 'cpu' | 'native',
  past: number,
  chunk: number,
  size: number,
  causal: boolean,
  bf16 = false,
) {
  selectBackend(backend);
  return tf.tidy(() => {
    const pool = () => tf.fill([21, page, keyHeads, size], 7);
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable, length: past };
    if (past > 0) {
      kvWrite(cache.keys, pageTable, 0, draw([past, keyHeads, size], 1));
      kvWrite(cache.values, pageTable, 0, draw([past, keyHeads, size], 2));
    }
    const q = draw([chunk, heads, size], 3);
    const [k, v] = [draw([chunk, keyHeads, size], 4), draw([chunk, keyHeads, size], 5)];
    return withAutocast(bf16 ? 'bf16' : 'float32', () => cachedAttention(q, k, v, cache, causal)).dataSync();
  });
}

// Few queries take the decoding path, many the tiled one; past lengths with and without a started page or tile.
const sizes = [0, 1, 19, 64, 83].flatMap((past) => [1, 3, 8, 9, 70].map((chunk) => [past, chunk] as const));

test.each(sizes)('past %i, chunk %i', (past, chunk) => {
  for (const causal of [true, false]) {
    const expected = attend('cpu', past, chunk, 18, causal);
    const found = attend('native', past, chunk, 18, causal);
    expect(deviation(found, expected)).toBeLessThan(2e-6);
    expect(attend('native', past, chunk, 18, causal)).toEqual(found);
    expect(deviation(attend('native', past, chunk, 18, causal, true), expected)).toBeLessThan(0.02);
  }
});

test.each([
  [1, 1290, [7, 1]],
  [2, 700, [8, 2]],
  [9, 513, [14, 2]],
] as const)('%i queries over %i cached keys in bf16, heads %j', (chunk, past, [queryHeads, keyHeads]) => {
  const size = 64;
  const table = Int32Array.from({ length: Math.ceil(past / 64) }, (_, i) => (i * 5) % 23);
  const narrow = (x: tf.Tensor) => tf.engine().runKernel('StoreAsBf16', { x }) as tf.Tensor3D;
  selectBackend('native');
  const values = tf.tidy(() => {
    const shapes = [
      [chunk, queryHeads, size],
      [chunk, keyHeads, size],
      [chunk, keyHeads, size],
      [past, keyHeads, size],
      [past, keyHeads, size],
    ];
    const [q, k, v, oldK, oldV] = shapes.map((shape, i) => narrow(draw(shape, i)));
    const pool = () => narrow(tf.fill([23, 64, keyHeads, size], 0));
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable: table, length: past };
    kvWrite(cache.keys, table, 0, oldK!);
    kvWrite(cache.values, table, 0, oldV!);
    const y = cachedAttention(q!, k!, v!, cache, true);
    const gradient = () => tf.grad((x) => cachedAttention(x as tf.Tensor3D, k!, v!, cache, true))(q!);
    expect(gradient).toThrow(/CachedAttention/);
    return [y, q, k, v, oldK, oldV].map((x) => Float32Array.from(x!.dataSync()));
  });
  // The same rounded values through the composition in float32: what is left is the rounding of weights and result to
  // bf16, 2^-9 each, of values of about 1.
  selectBackend('cpu');
  const expected = tf.tidy(() => {
    const [q, k, v, oldK, oldV] = values.slice(1).map((x, i) => {
      const [rows, heads] = [i < 3 ? chunk : past, i === 0 ? queryHeads : keyHeads];
      return tf.tensor3d(x, [rows, heads, size]);
    });
    const pool = () => tf.fill([23, 64, keyHeads, size], 0);
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable: table, length: past };
    kvWrite(cache.keys, table, 0, oldK!);
    kvWrite(cache.values, table, 0, oldV!);
    return cachedAttention(q!, k!, v!, cache, true).dataSync();
  });
  expect(deviation(values[0]!, expected)).toBeLessThan(0.005);
});

test('a growing cache neither copies to the host nor keeps memory', () => {
  selectBackend('native');
  const keys = tf.fill([21, page, keyHeads, 16], 0);
  const values = tf.fill([21, page, keyHeads, 16], 0);
  const step = (position: number) =>
    tf.tidy(() => {
      const [q, k] = [draw([1, heads, 16], 3), draw([1, keyHeads, 16], 4)];
      cachedAttention(q, k, k, { keys, values, pageTable, length: position }, true);
      kvWrite(keys, pageTable, position, k);
      kvWrite(values, pageTable, position, k);
    });
  step(0);
  resetCounters();
  const before = memoryStats().liveBytes;
  strict(() => {
    for (let position = 1; position < 80; position++) step(position);
  });
  expect(memoryStats().liveBytes).toBe(before);
  expect([traffic.uploads, traffic.downloads]).toEqual([0, 0]);
  tf.dispose([keys, values]);
});

test.each(['cpu', 'native'] as const)(
  'a page write out of ordinary ops is the one in place, on %s',
  (backend) => {
    selectBackend(backend);
    const variable = () => tf.tidy(() => tf.variable(tf.fill([21, page, keyHeads, 6], 7), false));
    const [written, composed] = [variable(), variable()];
    for (const [position, count] of [
      [0, 1],
      [3, 6],
      [17, 40],
    ] as const) {
      tf.tidy(() => {
        const chunk = draw([count, keyHeads, 6], position);
        kvWrite(written, pageTable, position, chunk);
        composedKvWrite(composed, pageTable, position, chunk);
      });
    }
    expect(composed.dataSync()).toEqual(written.dataSync());
    expect(new Set(written.dataSync()).size).toBeGreaterThan(500);
    tf.dispose([written, composed]);
  },
);
