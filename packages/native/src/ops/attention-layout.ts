import * as tf from '../../lib/tfjs.mjs';

/** Edge of the square tiles in which attention is computed and classified; the native kernel uses the same number. */
export const TILE = 64;

/** How a split may be looked at; see `AttentionLayout`. */
export const AttentionMode = { causal: 0, full: 1, noise: 2 } as const;

/** What a (query tile, key tile) pair needs: nothing, a test per element, or no test at all. */
export const TileClass = { empty: 0, partial: 1, full: 2 } as const;

/** Per-token description of a packed row; all arrays have one entry per token. */
export interface TokenMetadata {
  /** Which packed sample the token belongs to. No attention crosses samples. */
  sample: Int32Array;
  /** Which split (text item or image) it belongs to; unique over the row. */
  split: Int32Array;
  /** Place in the sample's reading order. Rows may be stored in another order. */
  order: Int32Array;
  /** `AttentionMode` of its split. */
  mode: Int32Array;
}

/** A run of neighbouring tokens of one split inside one tile. */
interface Run {
  sample: number;
  split: number;
  mode: number;
  minOrder: number;
  maxOrder: number;
}

/** Tensors of a layout that live on one backend. */
interface DeviceLayout {
  /** int32 `[4, T]`: sample, split, order, mode. */
  metadata: tf.Tensor2D;
  /** int32 `[tiles, tiles]` of `TileClass`, query tile first. */
  tiles: tf.Tensor2D;
}

/**
 * Who may look at whom in a packed row, without a mask.
 *
 * A query sees a key iff they are of the same sample, and the key comes no later in reading order or is of the same full or
 * noise split, and the key is not of another split in noise mode (specification §2.7):
 *
 * - `causal`: text; sees itself lower-triangularly and everything earlier
 * - `full`: a clean image; sees itself wholly and everything earlier
 * - `noise`: a noised image; the same, and nobody outside sees it
 *
 * Pairs of 64-token tiles are classified empty, full or partial here, once, for all layers, heads and the backward pass.
 */
export class AttentionLayout {
  readonly tokens: number;
  readonly #metadata: TokenMetadata;
  readonly #onBackend = new Map<string, DeviceLayout>();
  #mask: tf.Tensor4D | undefined;
  #tiles: Int32Array | undefined;

  /** @throws Error when the arrays differ in length or a mode is not 0, 1 or 2 */
  constructor(metadata: TokenMetadata) {
    this.tokens = metadata.sample.length;
    this.#metadata = metadata;
    for (const name of ['split', 'order', 'mode'] as const) {
      if (metadata[name].length === this.tokens) continue;
      throw new Error(
        `AttentionLayout: expected ${name} of length ${this.tokens} like sample, found ${metadata[name].length}`,
      );
    }
    const wrong = metadata.mode.findIndex((mode) => mode < 0 || mode > 2);
    if (wrong >= 0) {
      throw new Error(
        `AttentionLayout: expected mode 0 (causal), 1 (full) or 2 (noise), ` +
          `found ${metadata.mode[wrong]} at token ${wrong}`,
      );
    }
  }

  /** A layout of `tokens` tokens that all see each other, for example the patches of one image. */
  static full(tokens: number): AttentionLayout {
    const zeros = new Int32Array(tokens);
    const ones = new Int32Array(tokens).fill(AttentionMode.full);
    return new AttentionLayout({ sample: zeros, split: zeros, order: zeros, mode: ones });
  }

  /** Whether the token at row `query` sees the token at row `key`. */
  sees(query: number, key: number): boolean {
    const { sample, split, order, mode } = this.#metadata;
    if (sample[query] !== sample[key]) return false;
    if (split[query] === split[key] && mode[key] !== AttentionMode.causal) return true;
    return mode[key] !== AttentionMode.noise && order[key]! <= order[query]!;
  }

  /** Class of every (query tile, key tile) pair, row-major. */
  tileClasses(): Int32Array {
    this.#tiles ??= classifyTiles(this.#metadata);
    return this.#tiles;
  }

  /** The layout as tensors on the current backend, made at first use. */
  tensors(): DeviceLayout {
    const backend = tf.getBackend();
    const existing = this.#onBackend.get(backend);
    if (existing !== undefined) return existing;
    const { sample, split, order, mode } = this.#metadata;
    const table = new Int32Array(4 * this.tokens);
    [sample, split, order, mode].forEach((values, row) => {
      table.set(values, row * this.tokens);
    });
    const edge = Math.ceil(this.tokens / TILE);
    const made: DeviceLayout = {
      metadata: tf.keep(tf.tensor2d(table, [4, this.tokens], 'int32')),
      tiles: tf.keep(tf.tensor2d(this.tileClasses(), [edge, edge], 'int32')),
    };
    this.#onBackend.set(backend, made);
    return made;
  }

  /** Additive mask `[1, 1, T, T]` (0 or −1e30) for the composed op; T² numbers, meant for small rows. */
  additiveMask(): tf.Tensor4D {
    if (this.#mask === undefined) {
      const { tokens } = this;
      const values = new Float32Array(tokens * tokens);
      for (let q = 0; q < tokens; q++) {
        for (let k = 0; k < tokens; k++) if (!this.sees(q, k)) values[q * tokens + k] = -1e30;
      }
      this.#mask = tf.keep(tf.tensor4d(values, [1, 1, tokens, tokens]));
    }
    return this.#mask;
  }

  /** Frees the tensors. Gradients already recorded keep what they need; the layout can be used again. */
  dispose(): void {
    for (const { metadata, tiles } of this.#onBackend.values()) tf.dispose([metadata, tiles]);
    this.#onBackend.clear();
    this.#mask?.dispose();
    this.#mask = undefined;
  }
}

/** The runs of each tile, in row order. */
function runsPerTile({ sample, split, order, mode }: TokenMetadata): Run[][] {
  const tiles: Run[][] = [];
  for (let start = 0; start < sample.length; start += TILE) {
    const runs: Run[] = [];
    for (let t = start; t < Math.min(start + TILE, sample.length); t++) {
      const last = runs.at(-1);
      const place = order[t]!;
      if (
        last !== undefined &&
        last.split === split[t] &&
        last.sample === sample[t] &&
        last.mode === mode[t]
      ) {
        last.minOrder = Math.min(last.minOrder, place);
        last.maxOrder = Math.max(last.maxOrder, place);
      } else {
        const run = { sample: sample[t]!, split: split[t]!, mode: mode[t]! };
        runs.push({ ...run, minOrder: place, maxOrder: place });
      }
    }
    tiles.push(runs);
  }
  return tiles;
}

/** Class of a pair of runs, from their extremes alone. */
function classifyRuns(query: Run, key: Run): number {
  if (query.sample !== key.sample) return TileClass.empty;
  if (query.split === key.split && key.mode !== AttentionMode.causal) return TileClass.full;
  if (key.mode === AttentionMode.noise || key.minOrder > query.maxOrder) return TileClass.empty;
  return key.maxOrder <= query.minOrder ? TileClass.full : TileClass.partial;
}

function classifyTiles(metadata: TokenMetadata): Int32Array {
  const tiles = runsPerTile(metadata);
  const classes = new Int32Array(tiles.length ** 2);
  tiles.forEach((queries, row) => {
    tiles.forEach((keys, column) => {
      const found = new Set<number>();
      for (const query of queries) for (const key of keys) found.add(classifyRuns(query, key));
      classes[row * tiles.length + column] = found.size === 1 ? [...found][0]! : TileClass.partial;
    });
  });
  return classes;
}
