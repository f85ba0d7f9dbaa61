import {
  gatherPages,
  kvWrite,
  type PagedCache,
  type PagedPool,
  type StoredType,
  storedAs,
  tf,
} from '@unicharacter/native';

/** Size of what a token leaves in the cache. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

const DEFAULT_PAGE = 64;
const FIRST_PAGES = 4;

/**
 * Pages of keys and values of all layers with a reference count each. Page numbers are the same in every layer.
 *
 * Pages lie in chunks. When none is free, a chunk as large as all before is added, so that there are few of them; what was
 * written stays where it is.
 */
class PagePool {
  readonly page: number;
  readonly #shape: KvShape;
  readonly #stored: StoredType;
  /** Chunks of each layer. */
  readonly #keys: tf.Variable[][];
  readonly #values: tf.Variable[][];
  readonly #references: number[] = [];
  readonly #free: number[] = [];

  constructor(shape: KvShape, stored: StoredType, page: number) {
    this.page = page;
    this.#shape = shape;
    this.#stored = stored;
    this.#keys = Array.from({ length: shape.layers }, () => []);
    this.#values = Array.from({ length: shape.layers }, () => []);
    this.#grow(FIRST_PAGES);
  }

  keys(layer: number): PagedPool {
    return this.#keys[layer] as tf.Variable[];
  }

  values(layer: number): PagedPool {
    return this.#values[layer] as tf.Variable[];
  }

  /** A page that nobody else refers to. */
  allocate(): number {
    if (this.#free.length === 0) this.#grow(this.#references.length);
    const page = this.#free.pop() as number;
    this.#references[page] = 1;
    return page;
  }

  #grow(pages: number): void {
    for (const chunks of [...this.#keys, ...this.#values]) chunks.push(this.#blank(pages));
    const first = this.#references.length;
    for (let page = first + pages - 1; page >= first; page--) {
      this.#references[page] = 0;
      this.#free.push(page);
    }
  }

  /** A chunk of pages. A variable, because not every backend can write into a tensor. */
  #blank(pages: number): tf.Variable {
    const { kvHeads, headDim } = this.#shape;
    return tf.tidy(() =>
      tf.variable(storedAs(tf.zeros([pages, this.page, kvHeads, headDim]), this.#stored), false),
    );
  }

  retain(page: number): void {
    (this.#references[page] as number)++;
  }

  release(page: number): void {
    if (--(this.#references[page] as number) === 0) this.#free.push(page);
  }

  isShared(page: number): boolean {
    return (this.#references[page] as number) > 1;
  }

  /** Copies the first `tokens` entries of one page to another, in every layer. */
  copy(from: number, to: number, tokens: number): void {
    const source = Int32Array.of(from);
    const slots = Int32Array.from({ length: tokens }, (_, i) => to * this.page + i);
    for (const pool of [...this.#keys, ...this.#values])
      tf.tidy(() => kvWrite(pool, slots, gatherPages(pool, source, tokens)));
  }

  dispose(): void {
    tf.dispose([...this.#keys, ...this.#values].flat());
  }
}

/**
 * What the model has read so far: a table of cache pages and the position of the next token (spec 5.1).
 *
 * A fork shares all pages and costs a copy of the table; a page is copied when a sharer first writes to it. The tensors
 * live as long as one of the forks.
 */
export class KvContext {
  /** RoPE position of the next token. */
  ropePosition = 0;
  readonly #pool: PagePool;
  /** Forks alive on the same pool. */
  readonly #family: { alive: number };
  #pages: Int32Array = new Int32Array(0);
  #length = 0;
  #disposed = false;

  private constructor(pool: PagePool, family: { alive: number }) {
    this.#pool = pool;
    this.#family = family;
    family.alive++;
  }

  /**
   * A context that has read nothing.
   * @param stored how keys and values are kept; as bfloat16 they take half the memory
   */
  static empty(shape: KvShape, stored: StoredType = 'float32', page = DEFAULT_PAGE): KvContext {
    return new KvContext(new PagePool(shape, stored, page), { alive: 0 });
  }

  /** Tokens of a page. */
  get page(): number {
    return this.#pool.page;
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.#length;
  }

  fork(): KvContext {
    return this.#forkFirst(this.#length, this.ropePosition);
  }

  /**
   * A context that has read the first `tokens` of this one, which has read text only.
   * @throws RangeError when this one has read fewer, or images, whose tokens share a position
   */
  forkStart(tokens: number): KvContext {
    if (!(tokens >= 0 && tokens <= this.#length && this.#length === this.ropePosition)) {
      throw new RangeError(
        `expected to share 0 to ${this.#length} tokens of a text, found ${tokens} of ${this.ropePosition} positions`,
      );
    }
    return this.#forkFirst(tokens, tokens);
  }

  #forkFirst(tokens: number, ropePosition: number): KvContext {
    const copy = new KvContext(this.#pool, this.#family);
    copy.#pages = this.#pages.slice(0, Math.ceil(tokens / this.#pool.page));
    copy.#length = tokens;
    copy.ropePosition = ropePosition;
    for (const page of copy.#pages) this.#pool.retain(page);
    return copy;
  }

  /** A context that has read nothing, on the same pool. */
  forkEmpty(): KvContext {
    return new KvContext(this.#pool, this.#family);
  }

  /** True when both keep their keys and values in the same tensors. */
  sharesPool(other: KvContext): boolean {
    return this.#pool === other.#pool;
  }

  /** True while the pool can be used: as long as one context on it has not been disposed. */
  get poolAlive(): boolean {
    return this.#family.alive > 0;
  }

  /** The past of a layer, for `cachedAttention`. */
  past(layer: number): PagedCache {
    return {
      keys: this.#pool.keys(layer),
      values: this.#pool.values(layer),
      pageTable: this.#pages,
      length: this.#length,
    };
  }

  /** Makes room for `tokens` more, in pages of its own. Call before `write`. */
  reserve(tokens: number): void {
    const { page } = this.#pool;
    const last = Math.floor(this.#length / page);
    const used = this.#length % page;
    const shared = this.#pages[last];
    if (used > 0 && shared !== undefined && this.#pool.isShared(shared)) {
      const own = this.#pool.allocate();
      this.#pool.copy(shared, own, used);
      this.#pool.release(shared);
      this.#pages = this.#pages.with(last, own);
    }
    const missing = Math.ceil((this.#length + tokens) / page) - this.#pages.length;
    if (missing <= 0) return;
    const added = Array.from({ length: missing }, () => this.#pool.allocate());
    this.#pages = Int32Array.of(...this.#pages, ...added);
  }

  /** Where the next `tokens` tokens go, as `kvWrite` counts: positions of the whole pool. */
  slots(tokens: number): Int32Array {
    const { page } = this.#pool;
    return Int32Array.from({ length: tokens }, (_, i) => {
      const at = this.#length + i;
      return (this.#pages[Math.floor(at / page)] as number) * page + (at % page);
    });
  }

  /** Keys and values [n, kvHeads, headDim] of one layer for the next n tokens; they count after `commit`. */
  write(layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): void {
    const slots = this.slots(keys.shape[0]);
    kvWrite(this.#pool.keys(layer), slots, keys);
    kvWrite(this.#pool.values(layer), slots, values);
  }

  /** Counts `tokens` written ones as read and moves the position by `advance`. */
  commit(tokens: number, advance: number): void {
    this.#length += tokens;
    this.ropePosition += advance;
  }

  /** The cached keys and values [length, kvHeads, headDim] of a layer as new tensors. */
  read(layer: number): { keys: tf.Tensor3D; values: tf.Tensor3D } {
    const { keys, values, pageTable, length } = this.past(layer);
    return { keys: gatherPages(keys, pageTable, length), values: gatherPages(values, pageTable, length) };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const page of this.#pages) this.#pool.release(page);
    this.#pages = new Int32Array(0);
    if (--this.#family.alive === 0) this.#pool.dispose();
  }
}
