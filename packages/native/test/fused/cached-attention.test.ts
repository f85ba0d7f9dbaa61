/** Cached attention and page writes on the native backend against the composition on 'cpu'. */
import { expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { resetCounters, strict, traffic } from '../../src/counters.js';
import { cachedAttention, kvWrite, type PagedCache } from '../../src/ops/index.js';
import { composedKvWrite, type PagedPool } from '../../src/ops/paged-pool.js';
import { randomNormal } from '../../src/ops/random.js';
import { withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const [heads, keyHeads, page] = [4, 2, 4];
const pageTable = Int32Array.of(8, 0, 3, 5, 1, 2, 4, 6, 7, 9, 20, 11, 12, 13, 14, 15, 16, 17, 18, 19, 10);

function draw(shape: number[], stream: number): tf.Tensor3D {
  return randomNormal(shape, { seed: 3, stream, counter: 0 }) as tf.Tensor3D;
}

/** Slots of `count` positions from `position` on. */
function slots(table: Int32Array, page: number, position: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    const at = position + i;
    return table[Math.floor(at / page)]! * page + (at % page);
  });
}

/** A pool of 21 pages in chunks of these sizes. */
function filled(pages: readonly number[], page: number, keyHeads: number, size: number): tf.Tensor[] {
  return pages.map((count) => tf.fill([count, page, keyHeads, size], 7));
}

function write(pool: PagedPool, position: number, rows: tf.Tensor3D): void {
  kvWrite(pool, slots(pageTable, page, position, rows.shape[0]), rows);
}

function attend(
  backend: 'cpu' | 'native',
  past: number,
  chunk: number,
  size: number,
  causal: boolean,
  bf16 = false,
  chunks = [21],
) {
  selectBackend(backend);
  return tf.tidy(() => {
    const pool = () => filled(chunks, page, keyHeads, size);
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable, length: past };
    if (past > 0) {
      write(cache.keys, 0, draw([past, keyHeads, size], 1));
      write(cache.values, 0, draw([past, keyHeads, size], 2));
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

test.each(['cpu', 'native'] as const)(
  'how a pool is cut into chunks makes no difference, on %s',
  (backend) => {
    for (const [past, chunk] of [
      [83, 1],
      [64, 9],
      [83, 70],
    ] as const) {
      const whole = attend(backend, past, chunk, 18, true);
      for (const chunks of [[1, 20], [4, 4, 8, 5], new Array<number>(21).fill(1)])
        expect(attend(backend, past, chunk, 18, true, false, chunks)).toEqual(whole);
    }
  },
);

test('refuses chunks that do not belong to one pool', () => {
  selectBackend('native');
  tf.tidy(() => {
    const rows = draw([1, keyHeads, 6], 1);
    const odd = [...filled([2], page, keyHeads, 6), ...filled([2], page + 1, keyHeads, 6)];
    expect(() => kvWrite(odd, Int32Array.of(0), rows)).toThrow(/pool1 float32 \[2,5,2,6\]/);
    expect(() => kvWrite([], Int32Array.of(0), rows)).toThrow(/expected a pool of chunks/);
    const [keys, values] = [filled([2, 3], page, keyHeads, 6), filled([3, 2], page, keyHeads, 6)];
    const cache = { keys, values, pageTable, length: 0 };
    expect(() => cachedAttention(draw([1, heads, 6], 1), rows, rows, cache, true)).toThrow(
      /values1 float32 \[2,4,2,6\]/,
    );
    expect(() => kvWrite(keys, Int32Array.of(20), rows)).toThrow(/slots in \[0, 20\), found 20/);
  });
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
    const pool = () => [
      narrow(tf.fill([20, 64, keyHeads, size], 0)),
      narrow(tf.fill([3, 64, keyHeads, size], 0)),
    ];
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable: table, length: past };
    kvWrite(cache.keys, slots(table, 64, 0, past), oldK!);
    kvWrite(cache.values, slots(table, 64, 0, past), oldV!);
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
    const pool = () => [tf.fill([23, 64, keyHeads, size], 0)];
    const cache: PagedCache = { keys: pool(), values: pool(), pageTable: table, length: past };
    kvWrite(cache.keys, slots(table, 64, 0, past), oldK!);
    kvWrite(cache.values, slots(table, 64, 0, past), oldV!);
    return cachedAttention(q!, k!, v!, cache, true).dataSync();
  });
  expect(deviation(values[0]!, expected)).toBeLessThan(0.005);
});

test('a growing cache neither copies to the host nor keeps memory', () => {
  selectBackend('native');
  const keys = filled([5, 16], page, keyHeads, 16);
  const values = filled([5, 16], page, keyHeads, 16);
  const step = (position: number) =>
    tf.tidy(() => {
      const [q, k] = [draw([1, heads, 16], 3), draw([1, keyHeads, 16], 4)];
      cachedAttention(q, k, k, { keys, values, pageTable, length: position }, true);
      write(keys, position, k);
      write(values, position, k);
    });
  step(0);
  resetCounters();
  const before = memoryStats().liveBytes;
  strict(() => {
    for (let position = 1; position < 80; position++) step(position);
  });
  expect(memoryStats().liveBytes).toBe(before);
  expect([traffic.uploads, traffic.downloads]).toEqual([0, 0]);
  tf.dispose([...keys, ...values]);
});

test.each(['cpu', 'native'] as const)(
  'a page write out of ordinary ops is the one in place, on %s',
  (backend) => {
    selectBackend(backend);
    const pool = () => tf.tidy(() => filled([4, 17], page, keyHeads, 6).map((x) => tf.variable(x, false)));
    const [written, composed] = [pool(), pool()];
    for (const [position, count] of [
      [0, 1],
      [3, 6],
      [17, 40],
    ] as const) {
      tf.tidy(() => {
        const rows = draw([count, keyHeads, 6], position);
        write(written, position, rows);
        composedKvWrite(composed, slots(pageTable, page, position, count), rows);
      });
    }
    const values = (pool: tf.Variable[]) => pool.map((x) => x.dataSync());
    expect(values(composed)).toEqual(values(written));
    expect(new Set(values(written).flatMap((x) => [...x])).size).toBeGreaterThan(500);
    tf.dispose([...written, ...composed]);
  },
);
