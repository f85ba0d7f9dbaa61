import { layerNorm, tf } from '@unicharacter/native';
import { project } from '../../../model/mot-transformer.js';
import type { Affine } from '../../../model/weight-store.js';
import { activationOf } from '../activation.js';
import { sequencesLayout } from '../attention-rows.js';
import type { FrozenWeights } from '../frozen-weights.js';
import { patchTokens } from '../patch-tokens.js';
import { type PreNormBlock, preNormBlocks } from '../pre-norm-block.js';
import type { BlipVisionConfig } from './config.js';

/** Vision tower of BLIP (rewards specification §5.1). */
export class BlipVisionTower {
  readonly #config: BlipVisionConfig;
  readonly #weights: FrozenWeights;
  readonly #blocks: PreNormBlock[];
  readonly #postNorm: Affine;

  constructor(config: BlipVisionConfig, weights: FrozenWeights) {
    this.#config = config;
    this.#weights = weights;
    this.#blocks = Array.from({ length: config.layers }, (_, i) => visionBlock(weights, i, config));
    this.#postNorm = weights.affine('vision_model.post_layernorm');
  }

  /** Normalised states of all tokens: [n, 1 + patches, width] of pixels [n, side, side, 3]. */
  states(pixels: tf.Tensor4D): tf.Tensor3D {
    const embeddings = 'vision_model.embeddings';
    return tf.tidy(() => {
      const tokens = patchTokens(
        pixels,
        this.#weights.get(`${embeddings}.patch_embedding.weight`),
        this.#weights.get(`${embeddings}.patch_embedding.bias`),
        this.#weights.get(`${embeddings}.class_embedding`),
      );
      const [n, length, width] = tokens.shape;
      const placed = tf.add(tokens, this.#weights.get(`${embeddings}.position_embedding`));
      const x = tf.reshape(placed, [n * length, width]) as tf.Tensor2D;
      const layout = sequencesLayout(new Array<number>(n).fill(length), 'full');
      const encoded = preNormBlocks(this.#blocks, x, layout, this.#config);
      layout.dispose();
      const normed = layerNorm(encoded, this.#postNorm.weight, this.#postNorm.bias, this.#config.normEps);
      return tf.reshape(normed, [n, length, width]) as tf.Tensor3D;
    });
  }
}

/** Query, key and value are the thirds of one stored projection. */
function visionBlock(weights: FrozenWeights, index: number, config: BlipVisionConfig): PreNormBlock {
  const layer = `vision_model.encoder.layers.${index}`;
  const attention = `${layer}.self_attn`;
  for (const part of ['weight', 'bias']) {
    weights.split(
      `${attention}.qkv.${part}`,
      ['q', 'k', 'v'].map((name) => `${attention}.${name}.${part}`),
    );
  }
  const [fc1, fc2] = [weights.linear(`${layer}.mlp.fc1`), weights.linear(`${layer}.mlp.fc2`)];
  const activation = activationOf(config.activation);
  return {
    norm1: weights.affine(`${layer}.layer_norm1`),
    query: weights.linear(`${attention}.q`),
    key: weights.linear(`${attention}.k`),
    value: weights.linear(`${attention}.v`),
    out: weights.linear(`${attention}.projection`),
    norm2: weights.affine(`${layer}.layer_norm2`),
    feedForward: (x) => project(activation(project(x, fc1)), fc2),
  };
}
