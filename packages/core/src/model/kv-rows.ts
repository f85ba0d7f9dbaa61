import { cachedAttentionRows, kvWrite, type PagedRows, type tf } from '@unicharacter/native';
import type { KvContext } from './kv-cache.js';

/**
 * Room for the next token of each of several contexts on one pool: what a batched decoding step attends to and writes.
 * Make one for each step.
 */
export class KvRows {
  readonly #contexts: readonly KvContext[];
  readonly #pasts: PagedRows;
  readonly #slots: Int32Array;

  /** @throws RangeError when there is no context, or one of another pool (see `KvContext.forkEmpty`) */
  constructor(contexts: readonly KvContext[]) {
    const [first] = contexts;
    if (!first || contexts.some((context) => !context.sharesPool(first))) {
      throw new RangeError('expected contexts on one pool, so that one call reads them all');
    }
    for (const context of contexts) context.reserve(1);
    const pasts = contexts.map((context) => context.past(0));
    const used = pasts.map(({ pageTable, length }) => pageTable.subarray(0, Math.ceil(length / first.page)));
    this.#contexts = contexts;
    this.#pasts = {
      pageTables: Int32Array.from(used.flatMap((table) => [...table])),
      lengths: Int32Array.from(pasts, ({ length }) => length),
    };
    this.#slots = Int32Array.from(contexts, (context) => context.slots(1)[0] as number);
  }

  /** Attention of one new token for each context, whose keys and values become part of it; see `commit`. */
  attend(layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D): tf.Tensor3D {
    const { keys, values } = (this.#contexts[0] as KvContext).past(layer);
    const y = cachedAttentionRows(q, k, v, keys, values, this.#pasts);
    kvWrite(keys, this.#slots, k);
    kvWrite(values, this.#slots, v);
    return y;
  }

  /** Counts the tokens as read. */
  commit(): void {
    for (const context of this.#contexts) context.commit(1, 1);
  }
}
