import { layerNorm, tf } from '@unicharacter/native';
import type { Affine } from '../../../model/weight-store.js';
import { sequencesLayout } from '../attention-rows.js';
import type { TowerWeights } from '../frozen-weights.js';
import { classTokens, patchTokens } from '../patch-tokens.js';
import { type PreNormBlock, preNormBlocks } from '../pre-norm-block.js';
import type { ClipVisionConfig } from './config.js';
import { clipBlocks } from './specs.js';

const PREFIX = 'vision_model';

/** Vision tower of CLIP (rewards specification §3.1). */
export class ClipVisionTower {
  readonly #config: ClipVisionConfig;
  readonly #weights: TowerWeights;
  readonly #blocks: PreNormBlock[];
  readonly #preNorm: Affine;
  readonly #postNorm: Affine;

  constructor(config: ClipVisionConfig, weights: TowerWeights) {
    this.#config = config;
    this.#weights = weights;
    this.#blocks = clipBlocks(weights, PREFIX, config);
    this.#preNorm = weights.affine(`${PREFIX}.pre_layrnorm`);
    this.#postNorm = weights.affine(`${PREFIX}.post_layernorm`);
  }

  /** Hidden states after the last block, not normalised: [n, 1 + patches, width] of pixels [n, side, side, 3]. */
  states(pixels: tf.Tensor4D): tf.Tensor3D {
    const { normEps } = this.#config;
    const embeddings = `${PREFIX}.embeddings`;
    return tf.tidy(() => {
      const tokens = patchTokens(
        pixels,
        this.#weights.get(`${embeddings}.patch_embedding.weight`),
        null,
        this.#weights.get(`${embeddings}.class_embedding`),
      );
      const [n, length, width] = tokens.shape;
      const placed = tf.add(tokens, this.#weights.get(`${embeddings}.position_embedding.weight`));
      const rows = tf.reshape(placed, [n * length, width]) as tf.Tensor2D;
      const x = layerNorm(rows, this.#preNorm.weight, this.#preNorm.bias, normEps);
      const layout = sequencesLayout(new Array<number>(n).fill(length), 'full');
      const encoded = preNormBlocks(this.#blocks, x, layout, this.#config);
      layout.dispose();
      return tf.reshape(encoded, [n, length, width]) as tf.Tensor3D;
    });
  }

  /** The normalised class token: [n, width] of {@link states}. */
  pool(states: tf.Tensor3D): tf.Tensor2D {
    const { weight, bias } = this.#postNorm;
    return tf.tidy(() => layerNorm(classTokens(states), weight, bias, this.#config.normEps));
  }
}
