import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectScale, expectThat } from './check.js';
import { computesInBf16, hasKernel, runMany, runOne } from './dispatch.js';
import { composedAttention } from './packed-attention.js';

/**
 * Keys and values of one layer in pages. Page `pageTable[i]` of the pools holds positions `i·page … (i+1)·page − 1`.
 * Contexts share pages by sharing entries of their tables.
 */
export interface PagedCache {
  /** `[pages, page, Hkv, D]`, rotated keys. */
  keys: tf.Tensor;
  /** `[pages, page, Hkv, D]`. */
  values: tf.Tensor;
  pageTable: Int32Array;
  /** Number of valid positions. */
  length: number;
}

function checkPages(op: string, pool: tf.Tensor, pageTable: Int32Array, positions: number): void {
  const [pages, page] = pool.shape as [number, number, number, number];
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

/** The cached positions as one `[length, Hkv, D]` tensor. */
function gatherPages(pool: tf.Tensor, pageTable: Int32Array, length: number): tf.Tensor3D {
  const [, page, heads, size] = pool.shape as [number, number, number, number];
  const used = pageTable.slice(0, Math.ceil(length / page));
  const pages = tf.gather(pool, tf.tensor1d(used, 'int32'));
  return tf.slice(tf.reshape(pages, [-1, heads, size]) as tf.Tensor3D, [0, 0, 0], [length, heads, size]);
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
    const join = (pool: tf.Tensor, x: tf.Tensor3D) =>
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

/** The operands of attention over pages, as both its ops name them. */
interface PagedOperands {
  q: tf.Tensor3D;
  k: tf.Tensor3D;
  v: tf.Tensor3D;
  keys: tf.Tensor;
  values: tf.Tensor;
}

/** Whether q is `[n, Hq, D]`, k and v are `[n, Hkv, D]`, the pools `[pages, page, Hkv, D]`, and Hkv divides Hq. */
export function pagedOperandsFit({ q, k, v, keys, values }: PagedOperands): boolean {
  const [tokens, queryHeads, size] = q.shape;
  const [, keyHeads] = k.shape;
  return (
    q.rank === 3 &&
    [k, v].every(
      (x) => x.rank === 3 && x.shape[0] === tokens && x.shape[1] === keyHeads && x.shape[2] === size,
    ) &&
    [keys, values].every((x) => x.rank === 4 && x.shape[2] === keyHeads && x.shape[3] === size) &&
    keys.shape[1] === values.shape[1] &&
    queryHeads % keyHeads === 0
  );
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
  const { keys, values, pageTable, length } = cache;
  expectFloat('cachedAttention', { q, k, v, keys, values });
  const fits = pagedOperandsFit({ q, k, v, keys, values });
  const expected = 'q [n, Hq, D], k and v [n, Hkv, D], cache pools [pages, page, Hkv, D]';
  expectThat(fits, 'cachedAttention', expected, { q, k, v, keys, values });
  checkPages('cachedAttention', keys, pageTable, length);
  const factor = scale ?? 1 / Math.sqrt(q.shape[2]);
  expectScale('cachedAttention', factor);
  if (!hasKernel('CachedAttention')) return composedCachedAttention(q, k, v, cache, causal, factor);
  const pages = pageTable.subarray(0, Math.ceil(length / keys.shape[1]!));
  const attrs = { causal, scale: factor, length, pageTable: [...pages], bf16: computesInBf16() };
  return runOne('CachedAttention', { q, k, v, keys, values }, attrs) as tf.Tensor3D;
}

/** `kvWrite` out of ordinary tfjs ops: the variable gets new contents; also the reference of the tests. */
export function composedKvWrite(
  pool: tf.Variable,
  pageTable: Int32Array,
  position: number,
  chunk: tf.Tensor3D,
): void {
  const page = pool.shape[1]!;
  const slots = Int32Array.from({ length: chunk.shape[0] }, (_, i) => {
    const at = position + i;
    return pageTable[Math.floor(at / page)]! * page + (at % page);
  });
  composedKvWriteRows(pool, slots, chunk);
}

/** `kvWriteRows` out of ordinary tfjs ops: the variable gets new contents; also the reference of the tests. */
export function composedKvWriteRows(pool: tf.Variable, slots: Int32Array, chunk: tf.Tensor3D): void {
  tf.tidy(() => {
    const [pages, page, heads, size] = pool.shape as [number, number, number, number];
    const rows = tf.tensorScatterUpdate(
      tf.reshape(pool, [pages * page, heads * size]),
      tf.tensor2d(slots, [slots.length, 1], 'int32'),
      tf.reshape(chunk, [slots.length, heads * size]),
    );
    pool.assign(tf.reshape(rows, pool.shape));
  });
}

/**
 * Writes a chunk of keys or values into a pool, in place.
 *
 * @param pool `[pages, page, Hkv, D]`; its storage changes, so nothing else may rely on the old contents. On backends that
 *   cannot write in place ('tensorflow') it must be a variable
 * @param pageTable see `PagedCache`; must cover `position + n`
 * @param position first cache position to write
 * @param chunk `[n, Hkv, D]`
 * @throws Error naming the shapes when they do not fit, or the entry when the page table does not cover the chunk
 */
export function kvWrite(pool: tf.Tensor, pageTable: Int32Array, position: number, chunk: tf.Tensor3D): void {
  expectFloat('kvWrite', { pool, chunk });
  const fits =
    pool.rank === 4 &&
    chunk.rank === 3 &&
    pool.shape[2] === chunk.shape[1] &&
    pool.shape[3] === chunk.shape[2];
  expectThat(fits, 'kvWrite', 'pool [pages, page, Hkv, D] and chunk [n, Hkv, D]', { pool, chunk });
  const page = pool.shape[1]!;
  const end = position + chunk.shape[0];
  checkPages('kvWrite', pool, pageTable, end);
  if (chunk.shape[0] === 0) return;
  if (!hasKernel('KvWrite')) {
    if (!(pool instanceof tf.Variable)) {
      throw new Error(
        `kvWrite: the backend '${tf.getBackend()}' cannot write in place; make the pool a variable`,
      );
    }
    composedKvWrite(pool, pageTable, position, chunk);
    return;
  }
  const pageTablePart = [...pageTable.subarray(0, Math.ceil(end / page))];
  runMany('KvWrite', { pool, chunk }, { position, pageTable: pageTablePart });
}

/** In-place write for the plain JavaScript backend, whose storage is a typed array. */
export const cpuKvWrite: tf.KernelConfig = {
  kernelName: 'KvWrite',
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { data } = backend as unknown as { data: { get(id: object): { values: Float32Array } } };
    const { pool, chunk } = inputs as { pool: tf.TensorInfo; chunk: tf.TensorInfo };
    const { position, pageTable } = attrs as unknown as { position: number; pageTable: number[] };
    const [, page, heads, size] = pool.shape as [number, number, number, number];
    const target = data.get(pool.dataId).values;
    const source = data.get(chunk.dataId).values;
    const row = heads * size;
    for (let i = 0; i < chunk.shape[0]!; i++) {
      const at = position + i;
      const slot = pageTable[Math.floor(at / page)]! * page + (at % page);
      target.set(source.subarray(i * row, (i + 1) * row), slot * row);
    }
    return [];
  },
};

tf.registerKernel(cpuKvWrite);

type Inputs = Record<'q' | 'k' | 'v' | 'keys' | 'values', tf.TensorInfo>;

interface CachedAttentionAttrs {
  causal: boolean;
  scale: number;
  length: number;
  pageTable: number[];
  bf16: boolean;
}

/** Native kernels of `cachedAttention` and `kvWrite`; the C++ side is cpp/cpu/cached_attention.cc. */
export const cachedAttentionKernels: NativeKernel[] = [
  kernel<Inputs, CachedAttentionAttrs>('CachedAttention', (args) => {
    const { q, k, v, keys, values } = args.inputs;
    const { causal, scale, length, pageTable, bf16 } = args.attrs;
    const call = args.backend
      .call('CachedAttention')
      .tensor(q)
      .tensor(k)
      .tensor(v)
      .tensor(keys)
      .tensor(values);
    call.dims(pageTable).int(length).flag(causal).flag(bf16).real(scale);
    return call.output(q.shape, 'float32');
  }),
  kernel<{ pool: tf.TensorInfo; chunk: tf.TensorInfo }, { position: number; pageTable: number[] }>(
    'KvWrite',
    (args) => {
      const { pool, chunk } = args.inputs;
      const { position, pageTable } = args.attrs;
      args.backend.call('KvWrite').inPlace(pool).tensor(chunk).dims(pageTable).int(position).run();
      return [];
    },
  ),
];
