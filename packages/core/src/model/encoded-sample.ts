/**
 * One piece of a sequence in the model's units, ready to be packed (spec 4.2). Markers are not included; the packer adds
 * them. `loss` marks what the model learns to produce, `droppable` a condition that may be left out.
 */
export type EncodedItem =
  | {
      readonly kind: 'text';
      readonly ids: ArrayLike<number>;
      readonly loss: boolean;
      readonly droppable: boolean;
    }
  | {
      readonly kind: 'vit';
      /** [rows · columns, patch² · 3], raster order, values ordered (y, x, channel) in [-1, 1] */
      readonly patches: Float32Array;
      readonly rows: number;
      readonly columns: number;
      readonly droppable: boolean;
    }
  | {
      readonly kind: 'vae';
      /** [rows · columns, token width] scaled latents in token layout (spec 2.12); the mean when `deviations` is given */
      readonly latents: Float32Array;
      /** Standard deviations of the posterior in the same layout and scale, for a fresh draw at every step (spec 3.1) */
      readonly deviations?: Float32Array;
      readonly rows: number;
      readonly columns: number;
      /** A picture to be drawn (noised) rather than a clean condition. */
      readonly loss: boolean;
      readonly droppable: boolean;
    };

/** A training sample in the model's units. */
export interface EncodedSample {
  readonly id: string;
  readonly items: readonly EncodedItem[];
}

/** Ids that the packer writes around items. */
export interface MarkerIds {
  readonly bos: number;
  readonly eos: number;
  readonly soi: number;
  readonly eoi: number;
}

/** Tokens of an item in the row, markers included. */
export function itemTokens(item: EncodedItem): number {
  return (item.kind === 'text' ? item.ids.length : item.rows * item.columns) + 2;
}

/** Tokens of a sample in the row, markers included, nothing dropped. */
export function sampleTokens(sample: EncodedSample): number {
  return sample.items.reduce((sum, item) => sum + itemTokens(item), 0);
}

/** How often a droppable condition is left out (spec 6.5). */
export interface DropoutRates {
  readonly text: number;
  readonly vit: number;
  readonly vae: number;
}

/**
 * For every item: is it left out this time? Only droppable items without loss are candidates.
 *
 * @param uniform the next number in [0, 1) of a keyed stream; asked once per candidate, in order
 */
export function chooseDropped(sample: EncodedSample, rates: DropoutRates, uniform: () => number): boolean[] {
  return sample.items.map((item) => {
    if (!item.droppable || (item.kind !== 'vit' && item.loss)) return false;
    return uniform() < rates[item.kind];
  });
}
