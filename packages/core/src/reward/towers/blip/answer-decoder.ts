import { layerNorm, linear, tf } from '@unicharacter/native';
import { project } from '../../../model/mot-transformer.js';
import type { Affine, Linear } from '../../../model/weight-store.js';
import { RewardError } from '../../reward-model.js';
import { activationOf } from '../activation.js';
import type { FrozenWeights } from '../frozen-weights.js';
import type { BlipTextConfig } from './config.js';
import { BlipTextLayers, type KeysValues, paddingMask } from './text-layers.js';

const HEAD = 'text_decoder.cls.predictions';

/** Writes answers to encoded questions, one token at a time (rewards specification §5.2, §5.3). */
export class AnswerDecoder {
  readonly #layers: BlipTextLayers;
  readonly #transform: Linear;
  readonly #norm: Affine;
  readonly #output: tf.Tensor2D;
  readonly #bias: tf.Tensor1D;

  constructor(
    private readonly config: BlipTextConfig,
    weights: FrozenWeights,
  ) {
    this.#layers = new BlipTextLayers(config, weights, 'text_decoder.bert');
    this.#transform = weights.linear(`${HEAD}.transform.dense`);
    this.#norm = weights.affine(`${HEAD}.transform.LayerNorm`);
    const own = `${HEAD}.decoder.weight`;
    const tied = 'text_decoder.bert.embeddings.word_embeddings.weight';
    this.#output = weights.get(weights.has(own) ? own : tied);
    this.#bias = weights.get(`${HEAD}.bias`);
  }

  /**
   * Starts answers to n questions; the caller disposes what it returns.
   *
   * @param questions states [n, longest, width] of the encoder
   * @param lengths real length of each question
   */
  begin(questions: tf.Tensor3D, lengths: readonly number[]): Answering {
    const cross = this.#layers.layers.map((layer) =>
      kept(tf.tidy(() => ({ ...this.#layers.keysValues(layer.cross, questions) }))),
    );
    return new Answering(this.#layers, (x) => this.#logits(x), cross, tf.keep(paddingMask(lengths)));
  }

  /**
   * Greedy answers: the start id, then the likeliest id (the lowest of equals) until the stop id.
   *
   * @param maxLength largest number of ids, the start id included
   */
  greedy(questions: tf.Tensor3D, lengths: readonly number[], maxLength: number): number[][] {
    if (maxLength > this.config.positions) {
      throw new RewardError(`answers: expected at most ${this.config.positions} tokens, found ${maxLength}`);
    }
    const answering = this.begin(questions, lengths);
    const answers = lengths.map(() => [this.config.startId]);
    const open = () => answers.some((ids) => ids.at(-1) !== this.config.stopId);
    try {
      for (let length = 1; length < maxLength && open(); length++) {
        const logits = answering.step(answers.map((ids) => ids.at(-1)!));
        const next = tf.tidy(() => tf.argMax(logits, 1).dataSync());
        logits.dispose();
        answers.forEach((ids, i) => {
          if (ids.at(-1) !== this.config.stopId) ids.push(next[i]!);
        });
      }
      return answers;
    } finally {
      answering.dispose();
    }
  }

  #logits(x: tf.Tensor2D): tf.Tensor2D {
    const activation = activationOf(this.config.activation);
    const { weight, bias } = this.#norm;
    const h = layerNorm(activation(project(x, this.#transform)), weight, bias, this.config.normEps);
    return linear(h, this.#output, this.#bias);
  }
}

/** n answers in progress, with the keys and values of what is written so far. */
export class Answering {
  #own: (KeysValues | null)[];
  #position = 0;

  constructor(
    private readonly layers: BlipTextLayers,
    private readonly logits: (x: tf.Tensor2D) => tf.Tensor2D,
    private readonly cross: readonly KeysValues[],
    private readonly mask: tf.Tensor4D,
  ) {
    this.#own = cross.map(() => null);
  }

  /** Appends one id to each answer; logits [n, vocabulary] of the next, which the caller disposes. */
  step(ids: readonly number[]): tf.Tensor2D {
    const grown: KeysValues[] = [];
    const logits = tf.tidy(() => {
      let x = this.layers.embed(
        ids.map((id) => [id]),
        this.#position,
      );
      this.layers.layers.forEach((layer, i) => {
        const past = this.#own[i];
        const now = this.layers.keysValues(layer.self, x);
        const own = past
          ? {
              keys: tf.concat([past.keys, now.keys], 1) as tf.Tensor3D,
              values: tf.concat([past.values, now.values], 1) as tf.Tensor3D,
            }
          : now;
        grown.push(kept(own));
        x = this.layers.layer(layer, x, own, { ...this.cross[i]!, mask: this.mask });
      });
      return this.logits(tf.squeeze(x, [1]) as tf.Tensor2D);
    });
    this.#release();
    this.#own = grown;
    this.#position++;
    return logits;
  }

  #release(): void {
    for (const own of this.#own) if (own) tf.dispose([own.keys, own.values]);
  }

  dispose(): void {
    this.#release();
    this.#own = [];
    for (const { keys, values } of this.cross) tf.dispose([keys, values]);
    this.mask.dispose();
  }
}

function kept({ keys, values }: KeysValues): KeysValues {
  return { keys: tf.keep(keys), values: tf.keep(values) };
}
