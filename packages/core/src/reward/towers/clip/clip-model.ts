import { linear, tf } from '@unicharacter/native';
import { ImageProcessor } from '../../pictures/image-processor.js';
import { FrozenWeights } from '../frozen-weights.js';
import { loadClipConfig } from './config.js';
import { clipSpecs } from './specs.js';
import { ClipTextTower } from './text-tower.js';
import { ClipTokenizer } from './tokenizer.js';
import { ClipVisionTower } from './vision-tower.js';

/** CLIP in the published layout: towers of text and pictures that meet in one space (rewards specification §3). */
export class ClipModel {
  readonly vision: ClipVisionTower;
  readonly text: ClipTextTower;
  /** exp(logit_scale), the factor of the cosine. */
  readonly scale: number;
  readonly #weights: FrozenWeights;

  private constructor(
    weights: FrozenWeights,
    config: Awaited<ReturnType<typeof loadClipConfig>>,
    readonly tokenizer: ClipTokenizer,
    readonly processor: ImageProcessor,
  ) {
    this.#weights = weights;
    this.vision = new ClipVisionTower(config.vision, weights);
    this.text = new ClipTextTower(config.text, weights);
    this.scale = Math.exp(weights.get('logit_scale').dataSync()[0]!);
  }

  /**
   * Loads configuration, weights, tokenizer and picture processor of a folder.
   *
   * @throws DataError, TokenizerError or WeightsError naming the file and what is wrong with it
   */
  static async load(folder: string): Promise<ClipModel> {
    const config = await loadClipConfig(folder);
    const tokenizer = await ClipTokenizer.load(folder, config.text.positions);
    const processor = await ImageProcessor.load(folder);
    return new ClipModel(await FrozenWeights.load(clipSpecs(config), [folder]), config, tokenizer, processor);
  }

  /** SHA-256 of the weights. */
  get sha256(): string {
    return this.#weights.sha256;
  }

  /** Projected picture features [n, projection], not normalised, of pixel values. */
  imageFeatures(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() =>
      linear(this.vision.pool(this.vision.states(pixels)), this.#weights.get('visual_projection.weight')),
    );
  }

  /** Projected text features [n, projection], not normalised, of ids with their ends. */
  textFeatures(ids: readonly (readonly number[])[]): tf.Tensor2D {
    return tf.tidy(() =>
      linear(this.text.pool(this.text.states(ids), ids), this.#weights.get('text_projection.weight')),
    );
  }

  dispose(): void {
    this.#weights.dispose();
  }
}
