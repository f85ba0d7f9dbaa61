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
