import { tf } from '@unicharacter/native';
import { RewardError } from '../../reward-model.js';
import type { FrozenWeights } from '../frozen-weights.js';
import type { BlipTextConfig } from './config.js';
import { BlipTextLayers, paddingMask } from './text-layers.js';

/** Reads questions while it looks at a picture (rewards specification §5.2). */
export class QuestionEncoder {
  readonly #layers: BlipTextLayers;

  constructor(
    private readonly config: BlipTextConfig,
    weights: FrozenWeights,
  ) {
    this.#layers = new BlipTextLayers(config, weights, 'text_encoder');
  }

  /**
   * States [questions, longest, width] of questions about one picture; states of padded places mean nothing.
   *
   * @param questions ids of each question, both ends included
   * @param picture states of the picture [1, tokens, width]
   */
  states(questions: readonly (readonly number[])[], picture: tf.Tensor3D): tf.Tensor3D {
    const longest = Math.max(...questions.map((ids) => ids.length));
    if (longest > this.config.positions) {
      throw new RewardError(`a question: expected at most ${this.config.positions} tokens, found ${longest}`);
    }
    const padded = questions.map((ids) => [
      ...ids,
      ...new Array<number>(longest - ids.length).fill(this.config.padId),
    ]);
    return tf.tidy(() => {
      const mask = paddingMask(questions.map((ids) => ids.length));
      let x = this.#layers.embed(padded);
      for (const layer of this.#layers.layers) {
        const own = { ...this.#layers.keysValues(layer.self, x), mask };
        x = this.#layers.layer(layer, x, own, this.#layers.keysValues(layer.cross, picture));
      }
      return x;
    });
  }
}
