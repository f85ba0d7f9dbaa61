import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { composedCachedAttention, expectPagedOperands } from './cached-attention.js';
import { expectScale, expectThat } from './check.js';
import { computesInBf16, hasKernel, runOne } from './dispatch.js';
import { chunksOf, type PagedPool, pageSize, pagesOf } from './paged-pool.js';

/** The pasts of several contexts in the pools of one layer. Page numbers hold for all layers, so one serves a whole pass. */
export interface PagedRows {
  /** The page tables, one after the other; each has ⌈length / page⌉ entries. */
  pageTables: Int32Array;
  /** Number of valid positions of each context. */
  lengths: Int32Array;
}

function checkTables(op: string, pool: PagedPool, { pageTables, lengths }: PagedRows): void {
  const [pages, page] = [pagesOf(pool), pageSize(pool)];
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
  keys: PagedPool,
  values: PagedPool,
  { pageTables, lengths }: PagedRows,
  scale: number,
): tf.Tensor3D {
  const page = pageSize(keys);
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
 * @param k `[n, Hkv, D]` keys of the tokens; the cache is not changed, see `kvWrite`
 * @param v `[n, Hkv, D]`
 * @param keys the pool of rotated keys that the contexts share
 * @param values in as many chunks as the keys
 * @param pasts of the n contexts
 * @param scale positive factor on q·k; 1/√D when absent
 * @returns `[n, Hq, D]`. There is no gradient on the native backend: differentiating it throws an error naming the op.
 * @throws Error naming the shapes when they do not fit, or the entry when the page tables do not cover the pasts
 */
export function cachedAttentionRows(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  keys: PagedPool,
  values: PagedPool,
  pasts: PagedRows,
  scale?: number,
): tf.Tensor3D {
  const op = 'cachedAttentionRows';
  const inputs = expectPagedOperands(op, { q, k, v }, { keys, values });
  const count = pasts.lengths.length;
  expectThat(q.shape[0] === count && count > 0, op, `a row for each of n = ${count} pasts`, { q });
  checkTables(op, keys, pasts);
  const factor = scale ?? 1 / Math.sqrt(q.shape[2]);
  expectScale(op, factor);
  if (!hasKernel('CachedAttentionRows'))
    return composedCachedAttentionRows(q, k, v, keys, values, pasts, factor);
  const attrs = { ...pasts, scale: factor, bf16: computesInBf16() };
  return runOne('CachedAttentionRows', inputs, attrs) as tf.Tensor3D;
}

interface RowsAttrs extends PagedRows {
  scale: number;
  bf16: boolean;
}

/** Native kernel of `cachedAttentionRows`; the C++ side is cpp/cpu/cached_attention.cc. */
export const cachedAttentionRowsKernels: NativeKernel[] = [
  kernel<Record<string, tf.TensorInfo>, RowsAttrs>('CachedAttentionRows', ({ inputs, attrs, backend }) => {
    const call = backend.call('CachedAttentionRows').tensor(inputs.q!).tensor(inputs.k!).tensor(inputs.v!);
    call.tensors(chunksOf('keys', inputs)).tensors(chunksOf('values', inputs));
    call.dims(attrs.pageTables).dims(attrs.lengths).real(attrs.scale).flag(attrs.bf16);
    return call.output(inputs.q!.shape, 'float32');
  }),
];
