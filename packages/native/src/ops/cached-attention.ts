import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectScale, expectThat, sameShape } from './check.js';
import { computesInBf16, hasKernel, runOne } from './dispatch.js';
import { composedAttention } from './packed-attention.js';
import { chunkOf, chunksOf, isPool, numbered, type PagedPool, pageSize, pagesOf } from './paged-pool.js';

/**
 * Keys and values of one layer in pages. Page `pageTable[i]` of the pools holds positions `i·page … (i+1)·page − 1`.
 * Contexts share pages by sharing entries of their tables.
 */
export interface PagedCache {
  /** Rotated keys. */
  keys: PagedPool;
  /** In as many chunks as the keys. */
  values: PagedPool;
  pageTable: Int32Array;
  /** Number of valid positions. */
  length: number;
}

function checkPages(op: string, pool: PagedPool, pageTable: Int32Array, positions: number): void {
  const [pages, page] = [pagesOf(pool), pageSize(pool)];
  const needed = Math.ceil(positions / page);
  if (pageTable.length < needed) {
    throw new Error(
      `${op}: expected a page table of at least ${needed} pages of ${page} for ${positions} positions, ` +
        `found ${pageTable.length}`,
    );
  }
  for (let i = 0; i < needed; i++) {
    const entry = pageTable[i]!;
    if (entry >= 0 && entry < pages) continue;
    throw new Error(`${op}: expected pages in [0, ${pages}), found ${entry} at entry ${i} of the page table`);
  }
}

/** The first `length` positions of a past as one `[length, Hkv, D]` tensor. Copies the pages that it fills. */
export function gatherPages(pool: PagedPool, pageTable: Int32Array, length: number): tf.Tensor3D {
  const [, page, heads, size] = pool[0]!.shape as [number, number, number, number];
  return tf.tidy(() => {
    const pages = Array.from(pageTable.subarray(0, Math.ceil(length / page)), (index) => {
      const { chunk, first } = chunkOf(pool, index);
      return tf.slice(chunk, [index - first, 0, 0, 0], [1, page, heads, size]);
    });
    if (pages.length === 0) return tf.zeros([0, heads, size]) as tf.Tensor3D;
    const whole = tf.reshape(tf.concat(pages, 0), [-1, heads, size]) as tf.Tensor3D;
    return tf.slice(whole, [0, 0, 0], [length, heads, size]);
  });
}

/** `cachedAttention` out of ordinary tfjs ops; also the reference of the tests. */
export function composedCachedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  cache: PagedCache,
  causal: boolean,
  scale: number,
): tf.Tensor3D {
  return tf.tidy(() => {
    const { length } = cache;
    const chunk = q.shape[0];
    const join = (pool: PagedPool, x: tf.Tensor3D) =>
      length === 0 ? x : tf.concat([gatherPages(pool, cache.pageTable, length), x], 0);
    const keys = join(cache.keys, k);
    const values = join(cache.values, v);
    if (!causal) return composedAttention(q, keys, values, scale);
    const mask = new Float32Array(chunk * (length + chunk));
    for (let i = 0; i < chunk; i++)
      mask.fill(-1e30, i * (length + chunk) + length + i + 1, (i + 1) * (length + chunk));
    return composedAttention(q, keys, values, scale, tf.tensor4d(mask, [1, 1, chunk, length + chunk]));
  });
}

/** Throws unless q is `[n, Hq, D]`, k and v are `[n, Hkv, D]`, the pools hold `[Hkv, D]` in equal chunks, and Hkv divides Hq. */
export function expectPagedOperands(
  op: string,
  { q, k, v }: Record<'q' | 'k' | 'v', tf.Tensor3D>,
  { keys, values }: Record<'keys' | 'values', PagedPool>,
): Record<string, tf.Tensor> {
  const named = { q, k, v, ...numbered('keys', keys), ...numbered('values', values) };
  expectFloat(op, named);
  const [tokens, queryHeads, size] = q.shape;
  const keyHeads = k.shape[1];
  const fits =
    q.rank === 3 &&
    [k, v].every(
      (x) => x.rank === 3 && x.shape[0] === tokens && x.shape[1] === keyHeads && x.shape[2] === size,
    ) &&
    [keys, values].every((pool) => isPool(pool, keyHeads, size)) &&
    keys.length === values.length &&
    keys.every((chunk, i) => sameShape(chunk, values[i]!)) &&
    queryHeads % keyHeads === 0;
  expectThat(fits, op, 'q [n, Hq, D], k and v [n, Hkv, D], pools of chunks [pages, page, Hkv, D]', named);
  return named;
}

/**
 * Attention of a new chunk over a paged cache plus itself, for inference (specification §2.7).
 *
 * @param q `[n, Hq, D]`
 * @param k `[n, Hkv, D]` keys of the chunk; the cache is not changed, see `kvWrite`
 * @param v `[n, Hkv, D]`
 * @param cache the past; `length` 0 is allowed
 * @param causal true: query i sees the past and chunk keys 0…i; false: the past and the whole chunk
 * @param scale positive factor on q·k; 1/√D when absent
 * @returns `[n, Hq, D]`. There is no gradient on the native backend: differentiating it throws an error naming the op.
 * @throws Error naming the shapes when they do not fit, or the entry when the page table does not cover the past
 */
export function cachedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  cache: PagedCache,
  causal: boolean,
  scale?: number,
): tf.Tensor3D {
  const { keys, pageTable, length } = cache;
  const inputs = expectPagedOperands('cachedAttention', { q, k, v }, cache);
  checkPages('cachedAttention', keys, pageTable, length);
  const factor = scale ?? 1 / Math.sqrt(q.shape[2]);
  expectScale('cachedAttention', factor);
  if (!hasKernel('CachedAttention')) return composedCachedAttention(q, k, v, cache, causal, factor);
  const pages = pageTable.subarray(0, Math.ceil(length / pageSize(keys)));
  const attrs = { causal, scale: factor, length, pageTable: pages, bf16: computesInBf16() };
  return runOne('CachedAttention', inputs, attrs) as tf.Tensor3D;
}

interface CachedAttentionAttrs {
  causal: boolean;
  scale: number;
  length: number;
  pageTable: Int32Array;
  bf16: boolean;
}

/** Native kernel of `cachedAttention`; the C++ side is cpp/cpu/cached_attention.cc. */
export const cachedAttentionKernels: NativeKernel[] = [
  kernel<Record<string, tf.TensorInfo>, CachedAttentionAttrs>(
    'CachedAttention',
    ({ inputs, attrs, backend }) => {
      const { causal, scale, length, pageTable, bf16 } = attrs;
      const call = backend.call('CachedAttention').tensor(inputs.q!).tensor(inputs.k!).tensor(inputs.v!);
      call.tensors(chunksOf('keys', inputs)).tensors(chunksOf('values', inputs));
      call.dims(pageTable).int(length).flag(causal).flag(bf16).real(scale);
      return call.output(inputs.q!.shape, 'float32');
    },
  ),
];
