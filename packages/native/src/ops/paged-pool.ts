import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat } from './check.js';
import { hasKernel, runMany } from './dispatch.js';

/**
 * Keys or values of one layer in pages: chunks `[pages, page, Hkv, D]` that differ in their number of pages only. Pages are
 * numbered through all chunks, so that a pool grows by one more chunk and nothing is moved.
 */
export type PagedPool = readonly tf.Tensor[];

/** Tensors by name, for errors and for kernels: `keys0`, `keys1`, … */
export function numbered(name: string, pool: PagedPool): Record<string, tf.Tensor> {
  return Object.fromEntries(pool.map((chunk, i) => [`${name}${i}`, chunk]));
}

/** The chunks that `numbered` named. */
export function chunksOf(name: string, inputs: Readonly<Record<string, tf.TensorInfo>>): tf.TensorInfo[] {
  const chunks: tf.TensorInfo[] = [];
  for (let i = 0; ; i++) {
    const chunk = inputs[`${name}${i}`];
    if (!chunk) return chunks;
    chunks.push(chunk);
  }
}

/** Whether a pool has chunks, all of them `[pages, page, keyHeads, size]` with the same `page`. */
export function isPool(pool: PagedPool, keyHeads: number, size: number): boolean {
  const page = pool[0]?.shape[1];
  return (
    pool.length > 0 &&
    pool.every(
      ({ rank, shape }) => rank === 4 && shape[1] === page && shape[2] === keyHeads && shape[3] === size,
    )
  );
}

/** Number of pages of a pool. */
export function pagesOf(pool: PagedPool): number {
  return pool.reduce((sum, chunk) => sum + (chunk.shape[0] as number), 0);
}

/** Positions of a page. */
export function pageSize(pool: PagedPool): number {
  return pool[0]?.shape[1] as number;
}

/** The chunk that holds a page of the pool, and the number of its first page. */
export function chunkOf(pool: PagedPool, page: number): { chunk: tf.Tensor; first: number } {
  let first = 0;
  for (const chunk of pool) {
    const end = first + (chunk.shape[0] as number);
    if (page < end) return { chunk, first };
    first = end;
  }
  throw new RangeError(`expected a page in [0, ${first}), found ${page}`);
}

/** Slots of each chunk among `slots`, counted from its start, and their rows in the list. */
function byChunk(
  pool: PagedPool,
  slots: Int32Array,
): { chunk: tf.Tensor; own: Int32Array; rows: Int32Array }[] {
  const page = pageSize(pool);
  let start = 0;
  return pool.map((chunk) => {
    const first = start;
    start += (chunk.shape[0] as number) * page;
    const rows = Int32Array.from(slots.keys()).filter((i) => slots[i]! >= first && slots[i]! < start);
    return { chunk, own: rows.map((i) => slots[i]! - first), rows };
  });
}

/** `kvWrite` out of ordinary tfjs ops: the variables get new contents; also the reference of the tests. */
export function composedKvWrite(pool: readonly tf.Variable[], slots: Int32Array, rows: tf.Tensor3D): void {
  for (const { chunk, own, rows: chosen } of byChunk(pool, slots)) {
    if (own.length === 0) continue;
    tf.tidy(() => {
      const [pages, page, heads, size] = chunk.shape as [number, number, number, number];
      const written = tf.tensorScatterUpdate(
        tf.reshape(chunk, [pages * page, heads * size]),
        tf.tensor2d(own, [own.length, 1], 'int32'),
        tf.reshape(tf.gather(rows, tf.tensor1d(chosen, 'int32')), [own.length, heads * size]),
      );
      (chunk as tf.Variable).assign(tf.reshape(written, chunk.shape));
    });
  }
}

/**
 * Writes keys or values of tokens into a pool, in place.
 *
 * @param pool its storage changes, so nothing else may rely on the old contents. On backends that cannot write in place
 *   ('tensorflow') the chunks must be variables
 * @param slots row i goes to position `slots[i] mod page` of page `⌊slots[i] / page⌋`; all different
 * @param rows `[n, Hkv, D]`
 * @throws Error naming the shapes when they do not fit, or the slot that lies outside the pool
 */
export function kvWrite(pool: PagedPool, slots: Int32Array, rows: tf.Tensor3D): void {
  const named = { ...numbered('pool', pool), rows };
  expectFloat('kvWrite', named);
  const [count, heads, size] = rows.shape;
  const fits = rows.rank === 3 && isPool(pool, heads, size) && count === slots.length;
  const expected = `a pool of chunks [pages, page, Hkv, D] and rows [n, Hkv, D] with n = ${slots.length} slots`;
  expectThat(fits, 'kvWrite', expected, named);
  const end = pagesOf(pool) * pageSize(pool);
  const outside = slots.find((slot) => !(slot >= 0 && slot < end));
  if (outside !== undefined) throw new Error(`kvWrite: expected slots in [0, ${end}), found ${outside}`);
  if (count === 0) return;
  if (hasKernel('KvWrite')) {
    runMany('KvWrite', named, { slots });
    return;
  }
  if (!pool.every((chunk) => chunk instanceof tf.Variable)) {
    throw new Error(
      `kvWrite: the backend '${tf.getBackend()}' cannot write in place; make the chunks of the pool variables`,
    );
  }
  composedKvWrite(pool as readonly tf.Variable[], slots, rows);
}

type WriteInputs = Record<string, tf.TensorInfo>;

/** In-place write for the plain JavaScript backend, whose storage is a typed array. */
export const cpuKvWrite: tf.KernelConfig = {
  kernelName: 'KvWrite',
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { data } = backend as unknown as { data: { get(id: object): { values: Float32Array } } };
    const { rows } = inputs as unknown as { rows: tf.Tensor };
    const { slots } = attrs as unknown as { slots: Int32Array };
    const pool = chunksOf('pool', inputs as WriteInputs) as tf.Tensor[];
    const source = data.get(rows.dataId).values;
    const width = rows.shape[1]! * rows.shape[2]!;
    for (const { chunk, own, rows: chosen } of byChunk(pool, slots)) {
      const target = data.get(chunk.dataId).values;
      own.forEach((slot, i) => {
        target.set(source.subarray(chosen[i]! * width, (chosen[i]! + 1) * width), slot * width);
      });
    }
    return [];
  },
};

tf.registerKernel(cpuKvWrite);

/** Native kernel of `kvWrite`; the C++ side is cpp/cpu/cached_attention.cc. */
export const pagedPoolKernels: NativeKernel[] = [
  kernel<WriteInputs, { slots: Int32Array }>('KvWrite', ({ inputs, attrs, backend }) => {
    const pool = chunksOf('pool', inputs);
    const call = backend.call('KvWrite').int(pool.length);
    for (const chunk of pool) call.inPlace(chunk);
    call.tensor(inputs.rows!).dims(attrs.slots).run();
    return [];
  }),
];
