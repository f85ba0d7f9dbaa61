import { AttentionLayout, geluTanh, layerNorm, packedAttention, tf } from '@unicharacter/native';
import { BRIDGES, VIT_PREFIX, VIT_TABLE_NAME } from './checkpoint-names.js';
import type { VisionConfig } from './config.js';
import { project } from './mot-transformer.js';
import type { Affine, Linear, WeightStore } from './weight-store.js';

/** Patches of several images, one after the other (spec 2.9). */
export interface PackedPatches {
  /** [rows, patch² · channels], each row ordered (y, x, channel), values in [-1, 1] */
  readonly patches: tf.Tensor2D;
  /** int32 [rows], position of each patch in the tables */
  readonly positions: tf.Tensor1D;
  /** Attention stays inside one image. */
  readonly layout: AttentionLayout;
}

interface VisionLayer {
  readonly norm1: Affine;
  readonly norm2: Affine;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly out: Linear;
  readonly fc1: Linear;
  readonly fc2: Linear;
}

/** Every patch sees all patches of its own image. `rowsPerImage` lists the patches of each image. */
export function imageAttention(rowsPerImage: readonly number[]): AttentionLayout {
  const image = Int32Array.from(rowsPerImage.flatMap((rows, i) => new Array<number>(rows).fill(i)));
  return new AttentionLayout({
    sample: image,
    split: image,
    order: Int32Array.from(image, (_, i) => i),
    mode: new Int32Array(image.length).fill(1),
  });
}

/** NaViT SigLIP tower, the connector to the language model, and its position table (spec 2.9). */
export class VisionTower {
  readonly #config: VisionConfig;
  readonly #patchEmbedding: Linear;
  readonly #positionEmbedding: tf.Tensor2D;
  readonly #layers: VisionLayer[];
  readonly #postNorm: Affine;
  readonly #connector: readonly [Linear, Linear];
  readonly #table: tf.Tensor2D;

  constructor(config: VisionConfig, weights: WeightStore) {
    this.#config = config;
    this.#patchEmbedding = weights.linear(`${VIT_PREFIX}.embeddings.patch_embedding`);
    this.#positionEmbedding = weights.tensor(`${VIT_PREFIX}.embeddings.position_embedding.weight`);
    this.#layers = Array.from({ length: config.layers }, (_, i) => {
      const layer = `${VIT_PREFIX}.encoder.layers.${i}`;
      return {
        norm1: weights.affine(`${layer}.layer_norm1`),
        norm2: weights.affine(`${layer}.layer_norm2`),
        q: weights.linear(`${layer}.self_attn.q_proj`),
        k: weights.linear(`${layer}.self_attn.k_proj`),
        v: weights.linear(`${layer}.self_attn.v_proj`),
        out: weights.linear(`${layer}.self_attn.out_proj`),
        fc1: weights.linear(`${layer}.mlp.fc1`),
        fc2: weights.linear(`${layer}.mlp.fc2`),
      };
    });
    this.#postNorm = weights.affine(`${VIT_PREFIX}.post_layernorm`);
    this.#connector = [weights.linear(BRIDGES.connector1), weights.linear(BRIDGES.connector2)];
    this.#table = weights.tensor(VIT_TABLE_NAME);
  }

  /** Patch projection plus learned position embedding: [rows, hidden]. */
  embed({ patches, positions }: PackedPatches): tf.Tensor2D {
    return tf.tidy(() =>
      tf.add(project(patches, this.#patchEmbedding), tf.gather(this.#positionEmbedding, positions)),
    );
  }

  /** Pre-norm transformer blocks and the final norm, on the output of `embed`: [rows, hidden]. */
  encode(embedded: tf.Tensor2D, layout: AttentionLayout): tf.Tensor2D {
    return tf.tidy(() => {
      let x = embedded;
      for (const layer of this.#layers) {
        const next = this.#block(layer, x, layout);
        if (x !== embedded) x.dispose();
        x = next;
      }
      return layerNorm(x, this.#postNorm.weight, this.#postNorm.bias, this.#config.normEps);
    });
  }

  /** Connector to the width of the language model: [rows, llm hidden]. */
  connect(encoded: tf.Tensor2D): tf.Tensor2D {
    const [fc1, fc2] = this.#connector;
    return tf.tidy(() => project(geluTanh(project(encoded, fc1)), fc2));
  }

  /** Tokens of the language model for packed patches: tower, connector, plus the sin-cos table (same position ids). */
  tokens(input: PackedPatches): tf.Tensor2D {
    return tf.tidy(() =>
      tf.add(
        this.connect(this.encode(this.embed(input), input.layout)),
        tf.gather(this.#table, input.positions),
      ),
    );
  }

  #block(layer: VisionLayer, x: tf.Tensor2D, layout: AttentionLayout): tf.Tensor2D {
    const { heads, headDim, normEps } = this.#config;
    return tf.tidy(() => {
      const h = layerNorm(x, layer.norm1.weight, layer.norm1.bias, normEps);
      const byHead = (l: Linear) => project(h, l).reshape([-1, heads, headDim]) as tf.Tensor3D;
      const attended = packedAttention(byHead(layer.q), byHead(layer.k), byHead(layer.v), layout);
      const middle = tf.add(
        x,
        project(attended.reshape([-1, heads * headDim]) as tf.Tensor2D, layer.out),
      ) as tf.Tensor2D;
      const n = layerNorm(middle, layer.norm2.weight, layer.norm2.bias, normEps);
      return tf.add(middle, project(geluTanh(project(n, layer.fc1)), layer.fc2)) as tf.Tensor2D;
    });
  }
}
