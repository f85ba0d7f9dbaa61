/** Decoding of a batch: each row as alone, on the native backend and on 'cpu'. */
import { expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { cachedAttention, cachedAttentionRows, kvWrite, type PagedRows } from '../../src/ops/index.js';
import { randomNormal } from '../../src/ops/random.js';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const [pages, page, heads, keyHeads] = [40, 64, 4, 2];

const draw = (shape: number[], stream: number) =>
  randomNormal(shape, { seed: 5, stream, counter: 0 }) as tf.Tensor3D;

/** Contexts with nothing, with a started page, with whole pages, and with more than one run of keys. */
const lengths = Int32Array.of(0, 5, 128, 700, 63, 1100);

/** A table for each length, of pages that nobody else has, scattered over the pool. */
function tables(): Int32Array[] {
  let next = 0;
  return Array.from(lengths, (length) =>
    Int32Array.from({ length: Math.ceil(length / page) }, () => (next++ * 7 + 3) % pages),
  );
}

function scene(size: number) {
  const pool = (stream: number) =>
    tf.split(draw([pages * page, keyHeads, size], stream).reshape([pages, page, keyHeads, size]), [8, 8, 24]);
  const n = lengths.length;
  const [q, k, v] = [draw([n, heads, size], 3), draw([n, keyHeads, size], 4), draw([n, keyHeads, size], 5)];
  return { keys: pool(1), values: pool(2), q, k, v };
}

const pasts = (own: Int32Array[]): PagedRows => ({
  pageTables: Int32Array.from(own.flatMap((table) => [...table])),
  lengths,
});

test.each([
  [18, 'float32'],
  [64, 'float32'],
  [64, 'bf16'],
] as const)('rows of head size %i in %s get what each gets alone', (size, precision) => {
  const run = (backend: 'cpu' | 'native', f: (s: ReturnType<typeof scene>) => tf.Tensor) => {
    selectBackend(backend);
    return tf.tidy(() => withAutocast(precision, () => f(scene(size))).dataSync());
  };
  const together = (s: ReturnType<typeof scene>) =>
    cachedAttentionRows(s.q, s.k, s.v, s.keys, s.values, pasts(tables()));
  const alone = (s: ReturnType<typeof scene>) =>
    tf.concat(
      tables().map((pageTable, i) => {
        const row = (x: tf.Tensor3D) => tf.slice(x, [i, 0, 0], [1, -1, -1]);
        const cache = { keys: s.keys, values: s.values, pageTable, length: lengths[i] as number };
        return cachedAttention(row(s.q), row(s.k), row(s.v), cache, true);
      }),
    );
  const found = run('native', together);
  expect(found).toEqual(run('native', alone));
  expect(deviation(found, run('cpu', together))).toBeLessThan(precision === 'bf16' ? 0.02 : 2e-6);
});

test('a row that is written comes back at its place', () => {
  const slots = Int32Array.of(130, 0, 2559);
  const write = (backend: 'cpu' | 'native') => {
    selectBackend(backend);
    return tf.tidy(() => {
      const pool = [8, 32].map((count) => tf.fill([count, page, keyHeads, 8], 7));
      kvWrite(pool, slots, draw([3, keyHeads, 8], 9));
      return tf.concat(pool).dataSync();
    });
  };
  const found = write('native');
  expect(write('cpu')).toEqual(found);
  const rows = tf.tidy(() => draw([3, keyHeads, 8], 9).dataSync());
  const expected = new Float32Array(pages * page * keyHeads * 8).fill(7);
  slots.forEach((slot, i) => {
    expected.set(rows.subarray(i * keyHeads * 8, (i + 1) * keyHeads * 8), slot * keyHeads * 8);
  });
  expect(found).toEqual(expected);
});

test('refuses tables and slots that do not fit', () => {
  selectBackend('native');
  tf.tidy(() => {
    const { q, k, v, keys, values } = scene(16);
    const attend = (rows: PagedRows) => cachedAttentionRows(q, k, v, keys, values, rows);
    const own = pasts(tables());
    expect(() => attend({ ...own, lengths: own.lengths.slice(1) })).toThrow(/n = 5 pasts, found q/);
    expect(() => attend({ ...own, pageTables: own.pageTables.slice(1) })).toThrow(
      /expected 33 entries.*found 32/,
    );
    expect(() => attend({ ...own, pageTables: own.pageTables.map(() => pages) })).toThrow(
      /found 40 in a page table/,
    );
    expect(() => kvWrite(keys, Int32Array.of(pages * page, 1, 2, 3, 4, 5), k)).toThrow(/found 2560/);
    expect(() => kvWrite(keys, Int32Array.of(1), k)).toThrow(/n = 1 slots/);
  });
});
