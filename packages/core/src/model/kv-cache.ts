import { kvWrite, type PagedCache, type StoredType, storedAs, tf } from '@unicharacter/native';

/** Size of what a token leaves in the cache. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

const DEFAULT_PAGE = 64;
const FIRST_PAGES = 4;

/** Takes a tensor over as memory of its own. A variable, because not every backend can write into a tensor. */
function ownPool(initial: tf.Tensor): tf.Variable {
  const pool = tf.variable(initial, false);
  initial.dispose();
  return pool;
}

/** Pages of keys and values of all layers with a reference count each. Page numbers are the same in every layer. */
class PagePool {
  readonly page: number;
  readonly #shape: KvShape;
  readonly #stored: StoredType;
  readonly #keys: tf.Tensor[];
  readonly #values: tf.Tensor[];
  readonly #references: number[];
  readonly #free: number[];

  constructor(shape: KvShape, stored: StoredType, page: number) {
    this.page = page;
    this.#shape = shape;
    this.#stored = stored;
    this.#references = new Array<number>(FIRST_PAGES).fill(0);
    this.#free = this.#references.map((_, i) => i).reverse();
    this.#keys = this.#blank(FIRST_PAGES);
    this.#values = this.#blank(FIRST_PAGES);
  }

  #blank(pages: number): tf.Tensor[] {
    const { layers, kvHeads, headDim } = this.#shape;
    const size = [pages, this.page, kvHeads, headDim];
    return Array.from({ length: layers }, () =>
      ownPool(tf.tidy(() => storedAs(tf.zeros(size), this.#stored))),
    );
  }

  keys(layer: number): tf.Tensor {
    return this.#keys[layer] as tf.Tensor;
  }

  values(layer: number): tf.Tensor {
    return this.#values[layer] as tf.Tensor;
  }

  /** A page that nobody else refers to. */
  allocate(): number {
    if (this.#free.length === 0) this.#grow(this.#references.length);
    const page = this.#free.pop() as number;
    this.#references[page] = 1;
    return page;
  }

  #grow(added: number): void {
    const first = this.#references.length;
    for (const tensors of [this.#keys, this.#values]) {
      const blank = this.#blank(added);
      blank.forEach((more, layer) => {
        const old = tensors[layer] as tf.Tensor;
        tensors[layer] = ownPool(tf.concat([old, more], 0));
        old.dispose();
        more.dispose();
      });
    }
    for (let page = first + added - 1; page >= first; page--) {
      this.#references[page] = 0;
      this.#free.push(page);
    }
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
    const { kvHeads, headDim } = this.#shape;
    const target = Int32Array.of(to);
    tf.tidy(() => {
      for (const pool of [...this.#keys, ...this.#values]) {
        const part = tf.slice(pool, [from, 0, 0, 0], [1, tokens, kvHeads, headDim]);
        kvWrite(pool, target, 0, part.reshape([tokens, kvHeads, headDim]) as tf.Tensor3D);
      }
    });
  }

  dispose(): void {
    for (const pool of [...this.#keys, ...this.#values]) pool.dispose();
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
  #pages: number[] = [];
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
      pageTable: Int32Array.from(this.#pages),
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
      this.#pages[last] = own;
    }
    while (this.#pages.length * page < this.#length + tokens) this.#pages.push(this.#pool.allocate());
  }

  /** Keys and values [n, kvHeads, headDim] of one layer for the next n tokens; they count after `commit`. */
  write(layer: number, keys: tf.Tensor3D, values: tf.Tensor3D): void {
    const table = Int32Array.from(this.#pages);
    kvWrite(this.#pool.keys(layer), table, this.#length, keys);
    kvWrite(this.#pool.values(layer), table, this.#length, values);
  }

  /** Counts `tokens` written ones as read and moves the position by `advance`. */
  commit(tokens: number, advance: number): void {
    this.#length += tokens;
    this.ropePosition += advance;
  }

  /** The cached keys and values [length, kvHeads, headDim] of a layer as new tensors. */
  read(layer: number): { keys: tf.Tensor3D; values: tf.Tensor3D } {
    return tf.tidy(() => {
      const pages = tf.tensor1d(this.#pages, 'int32');
      const flat = (pool: tf.Tensor) => {
        const [, , heads, dim] = pool.shape as [number, number, number, number];
        const all = tf.gather(pool, pages).reshape([-1, heads, dim]) as tf.Tensor3D;
        return tf.slice(all, [0, 0, 0], [this.#length, heads, dim]);
      };
      return { keys: flat(this.#pool.keys(layer)), values: flat(this.#pool.values(layer)) };
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const page of this.#pages) this.#pool.release(page);
    this.#pages = [];
    if (--this.#family.alive === 0) this.#pool.dispose();
  }
}
