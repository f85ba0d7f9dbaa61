import { layerNorm, tf } from '@unicharacter/native';
import { project } from '../../../model/mot-transformer.js';
import type { Affine, Linear } from '../../../model/weight-store.js';
import { activationOf } from '../activation.js';
import type { FrozenWeights } from '../frozen-weights.js';
import type { BlipTextConfig } from './config.js';

interface Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly out: Linear;
  readonly norm: Affine;
}

interface TextLayer {
  readonly self: Attention;
  readonly cross: Attention;
  readonly inner: Linear;
  readonly out: Linear;
  readonly norm: Affine;
}

/** Keys and values, each [n, length, width]. */
export interface KeysValues {
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/** Added to attention scores of places that do not count. */
const MASKED = -1e30;

/**
 * Additive mask [n, 1, 1, longest] over padded keys.
 *
 * @param lengths real length of each sequence
 */
export function paddingMask(lengths: readonly number[]): tf.Tensor4D {
  const longest = Math.max(...lengths);
  const values = lengths.flatMap((length) =>
    Array.from({ length: longest }, (_, i) => (i < length ? 0 : MASKED)),
  );
  return tf.tensor4d(values, [lengths.length, 1, 1, longest]);
}

/**
 * BERT with cross-attention, normalised after every part (rewards specification §5.2): question encoder and answer
 * decoder of BLIP share this shape.
 */
export class BlipTextLayers {
  readonly layers: readonly TextLayer[];
  readonly #config: BlipTextConfig;
  readonly #words: tf.Tensor2D;
  readonly #positions: tf.Tensor2D;
  readonly #norm: Affine;

  constructor(config: BlipTextConfig, weights: FrozenWeights, prefix: string) {
    this.#config = config;
    this.#words = weights.get(`${prefix}.embeddings.word_embeddings.weight`);
    this.#positions = weights.get(`${prefix}.embeddings.position_embeddings.weight`);
    this.#norm = weights.affine(`${prefix}.embeddings.LayerNorm`);
    this.layers = Array.from({ length: config.layers }, (_, i) => {
      const layer = `${prefix}.encoder.layer.${i}`;
      const attention = (name: string): Attention => ({
        query: weights.linear(`${name}.self.query`),
        key: weights.linear(`${name}.self.key`),
        value: weights.linear(`${name}.self.value`),
        out: weights.linear(`${name}.output.dense`),
        norm: weights.affine(`${name}.output.LayerNorm`),
      });
      return {
        self: attention(`${layer}.attention`),
        cross: attention(`${layer}.crossattention`),
        inner: weights.linear(`${layer}.intermediate.dense`),
        out: weights.linear(`${layer}.output.dense`),
        norm: weights.affine(`${layer}.output.LayerNorm`),
      };
    });
  }

  /** [n, length, width] of n rows of `length` ids that begin at position `start`. */
  embed(ids: readonly (readonly number[])[], start = 0): tf.Tensor3D {
    return tf.tidy(() => {
      const words = tf.gather(
        this.#words as tf.Tensor,
        tf.tensor2d(ids as number[][], undefined, 'int32'),
      ) as tf.Tensor3D;
      const places = tf.slice(this.#positions, [start, 0], [words.shape[1], -1]);
      return this.#normed(tf.add(words, places) as tf.Tensor3D, this.#norm);
    });
  }

  /** Keys and values of a layer's self- or cross-attention for states [n, length, width]. */
  keysValues(attention: Attention, states: tf.Tensor3D): KeysValues {
    return { keys: project(states, attention.key), values: project(states, attention.value) };
  }

  /**
   * One layer.
   *
   * @param x [n, length, width]
   * @param own keys and values of self-attention, with an additive mask or none
   * @param other keys and values of cross-attention. Those of one sequence for all rows have n = 1.
   */
  layer(
    { self, cross, inner, out, norm }: TextLayer,
    x: tf.Tensor3D,
    own: KeysValues & { mask?: tf.Tensor4D },
    other: KeysValues & { mask?: tf.Tensor4D },
  ): tf.Tensor3D {
    const activation = activationOf(this.#config.activation);
    return tf.tidy(() => {
      const afterSelf = this.#attend(self, x, own);
      const shared = other.keys.shape[0] === 1;
      // Rows that look at the same sequence are more queries of one attention.
      const rows = shared ? (tf.reshape(afterSelf, [1, -1, x.shape[2]]) as tf.Tensor3D) : afterSelf;
      const afterCross = tf.reshape(this.#attend(cross, rows, other), x.shape) as tf.Tensor3D;
      const flat = tf.reshape(afterCross, [-1, x.shape[2]]) as tf.Tensor2D;
      const fed = tf.reshape(project(activation(project(flat, inner)), out), x.shape);
      return this.#normed(tf.add(fed, afterCross) as tf.Tensor3D, norm);
    });
  }

  /** LN(out(attention(x)) + x). */
  #attend(attention: Attention, x: tf.Tensor3D, { keys, values, mask }: KeysValues & { mask?: tf.Tensor4D }) {
    const { heads } = this.#config;
    const headDim = x.shape[2] / heads;
    const byHead = (t: tf.Tensor3D) =>
      tf.transpose(tf.reshape(t, [t.shape[0], t.shape[1], heads, headDim]), [0, 2, 1, 3]) as tf.Tensor4D;
    const queries = byHead(project(x, attention.query));
    const scores = tf.mul(tf.matMul(queries, byHead(keys), false, true), 1 / Math.sqrt(headDim));
    const weights = tf.softmax(mask ? tf.add(scores, mask) : scores);
    const mixed = tf.reshape(tf.transpose(tf.matMul(weights, byHead(values)), [0, 2, 1, 3]), x.shape);
    return this.#normed(
      tf.add(project(mixed as tf.Tensor3D, attention.out), x) as tf.Tensor3D,
      attention.norm,
    );
  }

  #normed(x: tf.Tensor3D, { weight, bias }: Affine): tf.Tensor3D {
    return layerNorm(x, weight, bias, this.#config.normEps);
  }
}
