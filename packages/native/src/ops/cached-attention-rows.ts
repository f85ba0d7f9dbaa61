import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { composedCachedAttention, composedKvWriteRows, pagedOperandsFit } from './cached-attention.js';
import { expectFloat, expectScale, expectThat } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';

/** The pasts of several contexts in the pools of one layer. Page numbers hold for all layers, so one serves a whole pass. */
export interface PagedRows {
  /** The page tables, one after the other; each has ⌈length / page⌉ entries. */
  pageTables: Int32Array;
  /** Number of valid positions of each context. */
  lengths: Int32Array;
}

function checkTables(op: string, pool: tf.Tensor, { pageTables, lengths }: PagedRows): void {
  const [pages, page] = pool.shape as [number, number, number, number];
  const needed = lengths.reduce((sum, length) => sum + Math.ceil(length / page), 0);
  if (pageTables.length !== needed || lengths.some((length) => length < 0)) {
    throw new Error(
      `${op}: expected ${needed} entries in the page tables of ${page} positions each, found ${pageTables.length}`,
    );
  }
  const wrong = pageTables.find((entry) => !(entry >= 0 && entry < pages));
  if (wrong !== undefined)
    throw new Error(`${op}: expected pages in [0, ${pages}), found ${wrong} in a page table`);
}

/** `cachedAttentionRows` out of one `cachedAttention` after the other; also the reference of the tests. */
export function composedCachedAttentionRows(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  keys: tf.Tensor,
  values: tf.Tensor,
  { pageTables, lengths }: PagedRows,
  scale: number,
): tf.Tensor3D {
  const page = keys.shape[1] as number;
  return tf.tidy(() => {
    let table = 0;
    const rows = Array.from(lengths, (length, i) => {
      const pageTable = pageTables.subarray(table, table + Math.ceil(length / page));
      table += pageTable.length;
      const row = (x: tf.Tensor3D) => tf.slice(x, [i, 0, 0], [1, -1, -1]);
      return composedCachedAttention(
        row(q),
        row(k),
        row(v),
        { keys, values, pageTable, length },
        true,
        scale,
      );
    });
    return tf.concat(rows, 0) as tf.Tensor3D;
  });
}

/**
 * Attention of the next token of each of several contexts over its own past and itself: the decoding step of a batch. A row
 * gets the numbers that `cachedAttention` gives it alone, whatever else is in the batch.
 *
 * @param q `[n, Hq, D]`, row i belongs to context i
 * @param k `[n, Hkv, D]` keys of the tokens; the cache is not changed, see `kvWriteRows`
 * @param v `[n, Hkv, D]`
 * @param keys `[pages, page, Hkv, D]`, the pool of rotated keys that the contexts share
 * @param values `[pages, page, Hkv, D]`
 * @param pasts of the n contexts
 * @param scale positive factor on q·k; 1/√D when absent
 * @returns `[n, Hq, D]`. There is no gradient on the native backend: differentiating it throws an error naming the op.
 * @throws Error naming the shapes when they do not fit, or the entry when the page tables do not cover the pasts
 */
export function cachedAttentionRows(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  keys: tf.Tensor,
  values: tf.Tensor,
  pasts: PagedRows,
  scale?: number,
): tf.Tensor3D {
  const op = 'cachedAttentionRows';
  expectFloat(op, { q, k, v, keys, values });
  const count = pasts.lengths.length;
  const fits = pagedOperandsFit({ q, k, v, keys, values }) && q.shape[0] === count && count > 0;
  const expected = `q [n, Hq, D], k and v [n, Hkv, D], pools [pages, page, Hkv, D] and n = ${count} pasts`;
  expectThat(fits, op, expected, { q, k, v, keys, values });
  checkTables(op, keys, pasts);
  const factor = scale ?? 1 / Math.sqrt(q.shape[2]);
  expectScale(op, factor);
  if (!hasKernel('CachedAttentionRows'))
    return composedCachedAttentionRows(q, k, v, keys, values, pasts, factor);
  const attrs = { ...pasts, scale: factor, bf16: computesInBf16() };
  return runOne('CachedAttentionRows', { q, k, v, keys, values }, attrs) as tf.Tensor3D;
}

/**
 * Writes the keys or values of the next token of several contexts into a pool, in place.
 *
 * @param pool `[pages, page, Hkv, D]`; on backends that cannot write in place it must be a variable, as for `kvWrite`
 * @param slots row i of the chunk goes to position `slots[i] mod page` of page `⌊slots[i] / page⌋`; all different
 * @param chunk `[n, Hkv, D]`
 * @throws Error naming the shapes when they do not fit, or the slot that lies outside the pool
 */
export function kvWriteRows(pool: tf.Tensor, slots: Int32Array, chunk: tf.Tensor3D): void {
  expectFloat('kvWriteRows', { pool, chunk });
  const fits =
    pool.rank === 4 &&
    chunk.rank === 3 &&
    pool.shape[2] === chunk.shape[1] &&
    pool.shape[3] === chunk.shape[2] &&
    chunk.shape[0] === slots.length;
  const expected = `pool [pages, page, Hkv, D] and chunk [n, Hkv, D] with n = ${slots.length} slots`;
  expectThat(fits, 'kvWriteRows', expected, { pool, chunk });
  const end = (pool.shape[0] as number) * (pool.shape[1] as number);
  const outside = slots.find((slot) => !(slot >= 0 && slot < end));
  if (outside !== undefined) throw new Error(`kvWriteRows: expected slots in [0, ${end}), found ${outside}`);
  if (slots.length === 0) return;
  if (hasKernel('KvWriteRows')) {
    runMany('KvWriteRows', { pool, chunk }, { slots });
    return;
  }
  if (!(pool instanceof tf.Variable)) {
    throw new Error(
      `kvWriteRows: the backend '${tf.getBackend()}' cannot write in place; make the pool a variable`,
    );
  }
  composedKvWriteRows(pool, slots, chunk);
}

type Inputs = Record<'q' | 'k' | 'v' | 'keys' | 'values', tf.TensorInfo>;

interface RowsAttrs extends PagedRows {
  scale: number;
  bf16: boolean;
}

/** Native kernels of `cachedAttentionRows` and `kvWriteRows`; the C++ side is cpp/cpu/cached_attention.cc. */
export const cachedAttentionRowsKernels: NativeKernel[] = [
  kernel<Inputs, RowsAttrs>('CachedAttentionRows', ({ inputs, attrs, backend }) => {
    const { q, k, v, keys, values } = inputs;
    const call = backend
      .call('CachedAttentionRows')
      .tensor(q)
      .tensor(k)
      .tensor(v)
      .tensor(keys)
      .tensor(values);
    call.dims(attrs.pageTables).dims(attrs.lengths).real(attrs.scale).flag(attrs.bf16);
    return call.output(q.shape, 'float32');
  }),
  kernel<{ pool: tf.TensorInfo; chunk: tf.TensorInfo }, { slots: Int32Array }>(
    'KvWriteRows',
    ({ inputs: { pool, chunk }, attrs, backend }) => {
      backend.call('KvWriteRows').inPlace(pool).tensor(chunk).dims(attrs.slots).run();
      return [];
    },
  ),
];
