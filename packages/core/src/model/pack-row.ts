import { gridPositions } from '../image/index.js';
import type { ModelConfig } from './config.js';
import { type EncodedItem, type EncodedSample, itemTokens, type MarkerIds } from './encoded-sample.js';

/** Attention mode of a split (spec 2.7); the numbers are those of `AttentionLayout`. */
export const SPLIT_MODES = { causal: 0, full: 1, noise: 2 } as const;
export type SplitMode = keyof typeof SPLIT_MODES;

/** A picture among the latents of a row. */
export interface LatentImage {
  readonly rows: number;
  readonly columns: number;
  /** Drawn by the model (noised at the image's time step), not a clean condition (time step 0). */
  readonly target: boolean;
}

/**
 * Many samples in one row. "Row" indexes count tokens as they follow each other in the samples. In memory the row is
 * ordered by kind: text and markers, ViT patches, latents (`order`), so that every expert works on one contiguous slice.
 */
export interface PackedRow {
  readonly tokens: number;
  /** RoPE position of each row token (spec 2.8) */
  readonly positions: Int32Array;
  /** Memory index to row index: a permutation of 0 … tokens − 1. */
  readonly order: Int32Array;

  readonly textIds: Int32Array;
  readonly textIndexes: Int32Array;
  /** Text tokens that predict something: their place among the text tokens, the id to predict, 1/√(answer length). */
  readonly ceRows: Int32Array;
  readonly ceLabels: Int32Array;
  readonly ceWeights: Float32Array;

  /** [patches, patch² · 3] */
  readonly patches: Float32Array;
  readonly patchPositions: Int32Array;
  readonly patchIndexes: Int32Array;
  readonly patchesPerImage: readonly number[];

  /** [latent tokens, token width], clean */
  readonly latents: Float32Array;
  /** Posterior deviations in the layout of `latents`, zero for items without; null when no item has any. */
  readonly latentDeviations: Float32Array | null;
  readonly latentPositions: Int32Array;
  readonly latentIndexes: Int32Array;
  readonly latentImages: readonly LatentImage[];
  /** Which of `latentImages` a latent token belongs to. */
  readonly latentImageOf: Int32Array;
  /** Latent tokens that carry the flow-matching loss: their place among the latent tokens. */
  readonly mseRows: Int32Array;

  readonly sampleLengths: readonly number[];
  readonly splitLengths: readonly number[];
  readonly splitModes: readonly SplitMode[];
  readonly splitsPerSample: readonly number[];
}

/** A sample and which of its items are left out. */
export interface SampleChoice {
  readonly sample: EncodedSample;
  readonly dropped?: readonly boolean[];
}

/**
 * Lays samples out in one row (spec 2.7, 2.8, 4.2, 6.5, 6.6).
 *
 * A text item is begin marker, ids, end marker, in consecutive positions; an image shares one position with its markers;
 * a picture to be drawn does not advance the position. A dropped text advances nothing, a dropped image advances by one.
 * Of a text with loss, the begin marker and every id predict their successor; nothing is predicted from the end marker.
 *
 * @throws RangeError when a sample has nothing to learn from or an image does not fit the position tables
 */
export function packRow(
  choices: readonly SampleChoice[],
  config: ModelConfig,
  markers: MarkerIds,
): PackedRow {
  const builder = new RowBuilder(config, markers);
  for (const choice of choices) builder.addSample(choice);
  return builder.finish();
}

class RowBuilder {
  readonly #config: ModelConfig;
  readonly #markers: MarkerIds;
  #length = 0;
  readonly #positions: number[] = [];
  readonly #text = { ids: [] as number[], indexes: [] as number[] };
  readonly #ce = { rows: [] as number[], labels: [] as number[], weights: [] as number[] };
  readonly #patches = {
    values: [] as Float32Array[],
    positions: [] as number[],
    indexes: [] as number[],
    perImage: [] as number[],
  };
  readonly #latents = {
    values: [] as Float32Array[],
    deviations: [] as (Float32Array | undefined)[],
    positions: [] as number[],
    indexes: [] as number[],
    imageOf: [] as number[],
  };
  readonly #images: LatentImage[] = [];
  readonly #mseRows: number[] = [];
  readonly #sampleLengths: number[] = [];
  readonly #splitLengths: number[] = [];
  readonly #splitModes: SplitMode[] = [];
  readonly #splitsPerSample: number[] = [];

  constructor(config: ModelConfig, markers: MarkerIds) {
    this.#config = config;
    this.#markers = markers;
  }

  addSample({ sample, dropped }: SampleChoice): void {
    const start = this.#length;
    const splits = this.#splitLengths.length;
    let position = 0;
    sample.items.forEach((item, index) => {
      if (dropped?.[index]) {
        if (item.kind !== 'text') position += 1;
        return;
      }
      position = this.#addItem(item, position);
    });
    if (this.#length === start) throw new RangeError(`sample "${sample.id}" has no items left to pack`);
    this.#sampleLengths.push(this.#length - start);
    this.#splitsPerSample.push(this.#splitLengths.length - splits);
  }

  /** Appends one item at `position` and answers the position of the next one. */
  #addItem(item: EncodedItem, position: number): number {
    const tokens = itemTokens(item);
    const isTarget = item.kind === 'vae' && item.loss;
    this.#splitLengths.push(tokens);
    this.#splitModes.push(item.kind === 'text' ? 'causal' : isTarget ? 'noise' : 'full');
    if (item.kind === 'text') {
      for (let i = 0; i < tokens; i++) this.#positions.push(position + i);
      this.#addText(item);
      return position + tokens;
    }
    for (let i = 0; i < tokens; i++) this.#positions.push(position);
    this.#addMarker(this.#markers.soi);
    if (item.kind === 'vit') this.#addPatches(item);
    else this.#addLatents(item);
    this.#addMarker(this.#markers.eoi);
    return isTarget ? position : position + 1;
  }

  #addMarker(id: number): void {
    this.#text.ids.push(id);
    this.#text.indexes.push(this.#length++);
  }

  #addText(item: EncodedItem & { kind: 'text' }): void {
    const first = this.#text.ids.length;
    this.#addMarker(this.#markers.bos);
    for (let i = 0; i < item.ids.length; i++) this.#addMarker(item.ids[i] as number);
    this.#addMarker(this.#markers.eos);
    if (!item.loss) return;
    const predictions = item.ids.length + 1;
    for (let i = 0; i < predictions; i++) {
      this.#ce.rows.push(first + i);
      this.#ce.labels.push(this.#text.ids[first + i + 1] as number);
      this.#ce.weights.push(1 / Math.sqrt(predictions));
    }
  }

  #addPatches(item: EncodedItem & { kind: 'vit' }): void {
    this.#patches.values.push(item.patches);
    this.#patches.perImage.push(item.rows * item.columns);
    for (const id of gridPositions(item.rows, item.columns, this.#config.vit.patchesPerSide)) {
      this.#patches.positions.push(id);
      this.#patches.indexes.push(this.#length++);
    }
  }

  #addLatents(item: EncodedItem & { kind: 'vae' }): void {
    const image = this.#images.length;
    this.#images.push({ rows: item.rows, columns: item.columns, target: item.loss });
    this.#latents.values.push(item.latents);
    this.#latents.deviations.push(item.deviations);
    for (const id of gridPositions(item.rows, item.columns, this.#config.latent.maxSide)) {
      if (item.loss) this.#mseRows.push(this.#latents.positions.length);
      this.#latents.positions.push(id);
      this.#latents.imageOf.push(image);
      this.#latents.indexes.push(this.#length++);
    }
  }

  #latentDeviations(): Float32Array | null {
    const { values, deviations, indexes } = this.#latents;
    if (deviations.every((part) => part === undefined)) return null;
    const parts = values.map((value, i) => deviations[i] ?? new Float32Array(value.length));
    return joined(parts, indexes.length * this.#config.latent.tokenDim, 'latent deviations');
  }

  finish(): PackedRow {
    const { vit, latent } = this.#config;
    const patchWidth = vit.patchSize ** 2 * vit.channels;
    return {
      tokens: this.#length,
      positions: Int32Array.from(this.#positions),
      order: Int32Array.from([...this.#text.indexes, ...this.#patches.indexes, ...this.#latents.indexes]),
      textIds: Int32Array.from(this.#text.ids),
      textIndexes: Int32Array.from(this.#text.indexes),
      ceRows: Int32Array.from(this.#ce.rows),
      ceLabels: Int32Array.from(this.#ce.labels),
      ceWeights: Float32Array.from(this.#ce.weights),
      patches: joined(this.#patches.values, this.#patches.indexes.length * patchWidth, 'ViT patches'),
      patchPositions: Int32Array.from(this.#patches.positions),
      patchIndexes: Int32Array.from(this.#patches.indexes),
      patchesPerImage: this.#patches.perImage,
      latents: joined(this.#latents.values, this.#latents.indexes.length * latent.tokenDim, 'latents'),
      latentDeviations: this.#latentDeviations(),
      latentPositions: Int32Array.from(this.#latents.positions),
      latentIndexes: Int32Array.from(this.#latents.indexes),
      latentImages: this.#images,
      latentImageOf: Int32Array.from(this.#latents.imageOf),
      mseRows: Int32Array.from(this.#mseRows),
      sampleLengths: this.#sampleLengths,
      splitLengths: this.#splitLengths,
      splitModes: this.#splitModes,
      splitsPerSample: this.#splitsPerSample,
    };
  }
}

function joined(parts: readonly Float32Array[], length: number, what: string): Float32Array {
  const found = parts.reduce((sum, part) => sum + part.length, 0);
  if (found !== length)
    throw new RangeError(`${what}: expected ${length} values for the given grids, found ${found}`);
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Sample, split, order and mode of every token, in memory order: the arguments of `AttentionLayout` (spec 2.7). */
export function attentionArrays(row: PackedRow): {
  sample: Int32Array;
  split: Int32Array;
  order: Int32Array;
  mode: Int32Array;
} {
  const sampleOfRow = new Int32Array(row.tokens);
  const splitOfRow = new Int32Array(row.tokens);
  const modeOfRow = new Int32Array(row.tokens);
  let at = 0;
  let split = 0;
  row.splitsPerSample.forEach((count, sample) => {
    for (let s = 0; s < count; s++, split++) {
      const end = at + (row.splitLengths[split] as number);
      sampleOfRow.fill(sample, at, end);
      splitOfRow.fill(split, at, end);
      modeOfRow.fill(SPLIT_MODES[row.splitModes[split] as SplitMode], at, end);
      at = end;
    }
  });
  const inMemory = (byRow: Int32Array) => Int32Array.from(row.order, (r) => byRow[r] as number);
  return {
    sample: inMemory(sampleOfRow),
    split: inMemory(splitOfRow),
    order: Int32Array.from(row.order),
    mode: inMemory(modeOfRow),
  };
}
