import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { ATTRIBUTE_VALUES } from '../../data/toy-world/index.js';
import { type RgbImage, resizeBicubic, toPixels } from '../../image/index.js';
import { WeightStore } from '../../model/weight-store.js';
import { inBatches } from '../../reward/in-batches.js';
import { hashFiles } from '../../tensor-io/content-hash.js';
import { TOY_ATTRIBUTES } from '../attributes-seen.js';
import { fitDrawing, type Reading } from './fit-drawing.js';
import { READER_SIDE, readerLogits, readerSpecs } from './network.js';

/** File of the reader's weights in its folder. */
export const READER_FILE = 'model.safetensors';

const BATCH = 32;

/**
 * Reads the attributes of toy-world pictures. It measures in evaluations only: a policy that were rewarded by the same
 * reader would learn to please it.
 */
export class AttributeReader {
  private constructor(
    private readonly weights: WeightStore,
    /** What produced the readings. JSON values only. */
    readonly provenance: Readonly<Record<string, unknown>>,
  ) {}

  /** @throws WeightsError naming every tensor of the folder's file that does not fit */
  static async load(folder: string): Promise<AttributeReader> {
    const file = join(folder, READER_FILE);
    const weights = WeightStore.fromFiles(readerSpecs(), [file]);
    return new AttributeReader(weights, { judge: 'attribute reader', weights: await hashFiles([file]) });
  }

  /** A reader of weights that were just trained; takes them over. */
  static of(weights: WeightStore): AttributeReader {
    return new AttributeReader(weights, { judge: 'attribute reader' });
  }

  /**
   * The reading of every picture; pictures of other sizes are stretched to the reader's. The network guesses, then the guess
   * is fitted to the picture by drawing it ({@link fitDrawing}).
   */
  async read(images: readonly RgbImage[]): Promise<Reading[]> {
    const readings: Reading[] = [];
    for (const [i, guess] of this.guess(images).entries()) readings.push(await fitDrawing(images[i]!, guess));
    return readings;
  }

  /** What the network alone reads. */
  guess(images: readonly RgbImage[]): Reading[] {
    return inBatches(images, BATCH, (batch) => this.#guessBatch(batch));
  }

  dispose(): void {
    this.weights.dispose();
  }

  #guessBatch(images: readonly RgbImage[]): Reading[] {
    const side = READER_SIDE;
    const values = new Float32Array(images.length * side * side * 3);
    images.forEach((image, i) => {
      const seen = image.width === side && image.height === side ? image : resizeBicubic(image, side, side);
      values.set(toPixels(seen), i * side * side * 3);
    });
    const best = tf.tidy(() => {
      const logits = readerLogits(this.weights, tf.tensor4d(values, [images.length, side, side, 3]));
      return TOY_ATTRIBUTES.map((name) => tf.keep(logits[name]));
    });
    const rows = best.map((logits) => logits.dataSync<'float32'>());
    tf.dispose(best);
    return images.map((_, i) => {
      const entries = TOY_ATTRIBUTES.map((name, a) => {
        const options = ATTRIBUTE_VALUES[name];
        const own = rows[a]!.subarray(i * options.length, (i + 1) * options.length);
        return [name, options[own.indexOf(Math.max(...own))]!] as const;
      });
      return Object.fromEntries(entries) as Reading;
    });
  }
}
