import { layerNorm, tf } from '@unicharacter/native';
import type { Affine } from '../../../model/weight-store.js';
import { sequencesLayout } from '../attention-rows.js';
import type { TowerWeights } from '../frozen-weights.js';
import { type PreNormBlock, preNormBlocks } from '../pre-norm-block.js';
import type { ClipTextConfig } from './config.js';
import { clipBlocks } from './specs.js';

const PREFIX = 'text_model';

/** Text tower of CLIP (rewards specification §3.2). */
export class ClipTextTower {
  readonly #config: ClipTextConfig;
  readonly #weights: TowerWeights;
  readonly #blocks: PreNormBlock[];
  readonly #finalNorm: Affine;

  constructor(config: ClipTextConfig, weights: TowerWeights) {
    this.#config = config;
    this.#weights = weights;
    this.#blocks = clipBlocks(weights, PREFIX, config);
    this.#finalNorm = weights.affine(`${PREFIX}.final_layer_norm`);
  }

  /** Where a text ends: the first end token, or in old configurations the first of the largest ids. */
  endOf(ids: readonly number[]): number {
    const { endId } = this.#config;
    return ids.indexOf(endId === 2 ? Math.max(...ids) : endId);
  }

  /**
   * Hidden states after the final norm of several texts one after the other: [Σ lengths, width]. Texts need no
   * padding, because each is a sequence of its own in one packed row.
   */
  states(texts: readonly (readonly number[])[]): tf.Tensor2D {
    const embeddings = `${PREFIX}.embeddings`;
    return tf.tidy(() => {
      const ids = tf.tensor1d(texts.flat(), 'int32');
      const positions = tf.tensor1d(
        texts.flatMap((text) => text.map((_, i) => i)),
        'int32',
      );
      const x = tf.add(
        tf.gather(this.#weights.get<tf.Tensor2D>(`${embeddings}.token_embedding.weight`), ids),
        tf.gather(this.#weights.get<tf.Tensor2D>(`${embeddings}.position_embedding.weight`), positions),
      ) as tf.Tensor2D;
      const layout = sequencesLayout(
        texts.map((text) => text.length),
        'causal',
      );
      const encoded = preNormBlocks(this.#blocks, x, layout, this.#config);
      layout.dispose();
      return layerNorm(encoded, this.#finalNorm.weight, this.#finalNorm.bias, this.#config.normEps);
    });
  }

  /** The state at the end of every text: [texts, width] of {@link states}. */
  pool(states: tf.Tensor2D, texts: readonly (readonly number[])[]): tf.Tensor2D {
    let start = 0;
    const rows = texts.map((text) => {
      const row = start + this.endOf(text);
      start += text.length;
      return row;
    });
    return tf.tidy(() => tf.gather(states, tf.tensor1d(rows, 'int32')));
  }
}
