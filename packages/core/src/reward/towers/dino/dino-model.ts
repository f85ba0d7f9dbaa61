import { layerNorm, tf } from '@unicharacter/native';
import type { Affine } from '../../../model/weight-store.js';
import { ImageProcessor } from '../../pictures/image-processor.js';
import { sequencesLayout } from '../attention-rows.js';
import { FrozenWeights } from '../frozen-weights.js';
import { classTokens, patchTokens } from '../patch-tokens.js';
import { type PreNormBlock, preNormBlocks } from '../pre-norm-block.js';
import { unitRows } from '../unit-rows.js';
import { type DinoConfig, loadDinoConfig } from './config.js';
import { type PositionResize, resizePositions } from './resize-positions.js';
import { dinoBlocks, dinoSpecs } from './specs.js';

/** DINOv2 without registers, in the published layout (Oquab et al. 2023; rewards specification §4). */
export class DinoModel {
  readonly #config: DinoConfig;
  readonly #weights: FrozenWeights;
  readonly #blocks: PreNormBlock[];
  readonly #norm: Affine;
  /** Position embeddings by size of the patch grid. */
  readonly #positions = new Map<string, tf.Tensor3D>();

  private constructor(
    config: DinoConfig,
    weights: FrozenWeights,
    readonly processor: ImageProcessor,
    readonly positionResize: PositionResize,
  ) {
    this.#config = config;
    this.#weights = weights;
    this.#blocks = dinoBlocks(weights, config);
    this.#norm = weights.affine('layernorm');
  }

  /**
   * Loads configuration, weights and picture processor of a folder.
   *
   * @throws DataError or WeightsError naming the file and what is wrong with it
   */
  static async load(folder: string, positionResize: PositionResize = 'scale_offset'): Promise<DinoModel> {
    const config = await loadDinoConfig(folder);
    const processor = await ImageProcessor.load(folder);
    return new DinoModel(
      config,
      await FrozenWeights.load(dinoSpecs(config), [folder]),
      processor,
      positionResize,
    );
  }

  /** SHA-256 of the weights. */
  get sha256(): string {
    return this.#weights.sha256;
  }

  /** Position embeddings [1, 1 + rows · columns, width] of a grid of patches; owned by the model. */
  positions(rows: number, columns: number): tf.Tensor3D {
    const key = `${rows}x${columns}`;
    const known = this.#positions.get(key);
    if (known) return known;
    const made = tf.keep(tf.tidy(() => this.#resizedPositions(rows, columns)));
    this.#positions.set(key, made);
    return made;
  }

  #resizedPositions(rows: number, columns: number): tf.Tensor3D {
    const stored = this.#weights.get<tf.Tensor3D>('embeddings.position_embeddings');
    const { grid, width } = this.#config;
    if (rows === grid && columns === grid) return tf.clone(stored);
    const ofPatches = tf.slice(stored, [0, 1, 0], [1, -1, -1]).dataSync() as Float32Array;
    const resized = resizePositions(ofPatches, grid, rows, columns, this.positionResize);
    return tf.concat(
      [tf.slice(stored, [0, 0, 0], [1, 1, -1]), tf.tensor3d(resized, [1, rows * columns, width])],
      1,
    );
  }

  /** Hidden states after the final norm: [n, 1 + patches, width] of pixels [n, height, width, 3]. */
  states(pixels: tf.Tensor4D): tf.Tensor3D {
    const { patch } = this.#config;
    const [n, height, pixelsAcross] = pixels.shape;
    const positions = this.positions(Math.floor(height / patch), Math.floor(pixelsAcross / patch));
    return tf.tidy(() => {
      const projection = 'embeddings.patch_embeddings.projection';
      const tokens = patchTokens(
        pixels,
        this.#weights.get(`${projection}.weight`),
        this.#weights.get(`${projection}.bias`),
        this.#weights.get('embeddings.cls_token'),
      );
      const [, length, width] = tokens.shape;
      const x = tf.reshape(tf.add(tokens, positions), [n * length, width]) as tf.Tensor2D;
      const layout = sequencesLayout(new Array<number>(n).fill(length), 'full');
      const encoded = preNormBlocks(this.#blocks, x, layout, this.#config);
      layout.dispose();
      const normed = layerNorm(encoded, this.#norm.weight, this.#norm.bias, this.#config.normEps);
      return tf.reshape(normed, [n, length, width]) as tf.Tensor3D;
    });
  }

  /** Unit features [n, width]: the class token of {@link states}. */
  features(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => unitRows(classTokens(this.states(pixels))));
  }

  dispose(): void {
    tf.dispose([...this.#positions.values()]);
    this.#positions.clear();
    this.#weights.dispose();
  }
}
