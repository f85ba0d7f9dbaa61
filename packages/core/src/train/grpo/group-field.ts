import { tf } from '@unicharacter/native';
import { type Guidance, guidanceActive, guide } from '../../generate/index.js';
import {
  type EncodedItem,
  type MarkerIds,
  packRow,
  type StagedRow,
  stageRow,
  type UnifiedModel,
} from '../../model/index.js';

/** A group of pictures of one size that are drawn for one prompt. */
export interface GroupShape {
  readonly count: number;
  /** Latent tokens per side. */
  readonly rows: number;
  readonly columns: number;
}

/**
 * The guided velocity of several pictures of one prompt at once, with gradient to the weights (spec 5.3, 5.4, 7.6).
 *
 * All pictures share one packed row: the prompt stands in it once, every picture sees the prompt and itself, no picture
 * sees another. With guidance a second sample of the same row holds the pictures without the prompt.
 */
export class GroupField {
  readonly #row: StagedRow;

  /**
   * @param prompt ids of the prompt, without markers
   * @throws RangeError for image guidance: a text prompt has no images to leave out
   */
  constructor(
    private readonly model: UnifiedModel,
    markers: MarkerIds,
    prompt: ArrayLike<number>,
    readonly shape: GroupShape,
    private readonly guidance: Guidance,
  ) {
    if (guidance.image > 1) {
      throw new RangeError(`expected no image guidance for text prompts, found a scale of ${guidance.image}`);
    }
    const { count, rows, columns } = shape;
    const picture: EncodedItem = {
      kind: 'vae',
      latents: new Float32Array(rows * columns * model.config.latent.tokenDim),
      rows,
      columns,
      loss: true,
      droppable: false,
    };
    const pictures = new Array<EncodedItem>(count).fill(picture);
    const text: EncodedItem = { kind: 'text', ids: prompt, loss: false, droppable: false };
    const samples = [{ sample: { id: 'with the prompt', items: [text, ...pictures] } }];
    if (guidance.text > 1) samples.push({ sample: { id: 'without the prompt', items: pictures } });
    this.#row = stageRow(packRow(samples, model.config, markers), model.config);
  }

  /** Width of a latent token. */
  get channels(): number {
    return this.model.config.latent.tokenDim;
  }

  /**
   * Velocities [count, tokens, channels] at states `x` of the same shape and one time in [0, 1].
   * @param recompute keep only layer inputs for the backward pass
   */
  at(x: tf.Tensor3D, t: number, recompute = false): tf.Tensor3D {
    const [count, tokens, channels] = x.shape;
    return tf.tidy(() => {
      const states = tf.reshape(x, [count * tokens, channels]) as tf.Tensor2D;
      const twice = this.guidance.text > 1;
      const whole = this.model.rowVelocities(
        this.#row,
        twice ? tf.concat([states, states], 0) : states,
        new Array<number>(twice ? 2 * count : count).fill(t),
        recompute,
      );
      const byPicture = tf.reshape(whole, [-1, tokens, channels]) as tf.Tensor3D;
      if (!guidanceActive(this.guidance, t)) return tf.slice(byPicture, [0, 0, 0], [count, tokens, channels]);
      const picture = (index: number) =>
        tf.reshape(tf.slice(byPicture, [index, 0, 0], [1, tokens, channels]), [
          tokens,
          channels,
        ]) as tf.Tensor2D;
      const guided = Array.from({ length: count }, (_, i) =>
        guide(picture(i), picture(count + i), null, this.guidance),
      );
      return tf.stack(guided) as tf.Tensor3D;
    });
  }

  dispose(): void {
    this.#row.dispose();
  }
}
