import { tf } from '@unicharacter/native';
import {
  type EncodedSample,
  type MarkerIds,
  packRow,
  type StagedRow,
  stageRow,
  type UnifiedModel,
} from '../model/index.js';
import { type Guidance, guidanceActive, guide } from './guidance.js';

/** A picture to be drawn for a text. */
export interface GuidedPicture {
  /** Ids of the prompt without markers. */
  readonly prompt: ArrayLike<number>;
  /** Size in latent tokens. */
  readonly rows: number;
  readonly columns: number;
}

/**
 * Guided velocities with gradients, for several pictures in one row: what the policy update of Character-GRPO
 * differentiates (spec 7.6). Every picture stands in the row twice, after its prompt and in the empty context; both
 * branches and the renormalisation between them carry the gradient. Reading through the row gives the numbers of the
 * cached contexts of `VelocityField`, because a prompt never sees the picture that follows it.
 */
export class GuidedRow {
  readonly #model: UnifiedModel;
  readonly #guidance: Guidance;
  readonly #pictures: readonly GuidedPicture[];
  /** Prompted pictures only, and all pictures a second time without prompt. */
  readonly #plain: StagedRow;
  readonly #guided: StagedRow;

  /** @throws RangeError for image guidance: a text prompt has no images to leave out */
  constructor(
    model: UnifiedModel,
    markers: MarkerIds,
    pictures: readonly GuidedPicture[],
    guidance: Guidance,
  ) {
    if (guidance.image > 1) {
      throw new RangeError(`expected no image guidance for text prompts, found a scale of ${guidance.image}`);
    }
    const stage = (samples: EncodedSample[]) =>
      stageRow(
        packRow(
          samples.map((sample) => ({ sample })),
          model.config,
          markers,
        ),
        model.config,
      );
    const prompted = pictures.map((picture, i) => pictureSample(model, `picture ${i}`, picture, true));
    const unprompted = pictures.map((picture, i) => pictureSample(model, `no text ${i}`, picture, false));
    this.#model = model;
    this.#guidance = guidance;
    this.#pictures = pictures;
    this.#plain = stage(prompted);
    this.#guided = stage([...prompted, ...unprompted]);
  }

  /**
   * The guided velocity of each picture, [tokens, channels] each; differentiable in the model's variables.
   *
   * @param states [tokens, channels] of each picture
   * @param times t in (0, 1] of each picture
   * @param recompute see `TrainInputs.recompute`
   */
  velocities(states: readonly tf.Tensor2D[], times: readonly number[], recompute = false): tf.Tensor2D[] {
    return tf.tidy(() => {
      const active = times.map((t) => guidanceActive(this.#guidance, t));
      const twice = active.includes(true);
      const row = twice ? this.#guided : this.#plain;
      const all = tf.concat(twice ? [...states, ...states] : [...states], 0) as tf.Tensor2D;
      const found = this.#model.rowVelocities(row, all, twice ? [...times, ...times] : times, recompute);
      const sizes = this.#pictures.map(({ rows, columns }) => rows * columns);
      const parts = tf.split(found, twice ? [...sizes, ...sizes] : sizes, 0);
      return this.#pictures.map((_, i) => {
        const velocity = parts[i] as tf.Tensor2D;
        const withoutText = parts[i + sizes.length] as tf.Tensor2D | undefined;
        return active[i] && withoutText ? guide(velocity, withoutText, null, this.#guidance) : velocity;
      });
    });
  }

  dispose(): void {
    this.#plain.dispose();
    this.#guided.dispose();
  }
}

function pictureSample(
  { config }: UnifiedModel,
  id: string,
  { prompt, rows, columns }: GuidedPicture,
  prompted: boolean,
): EncodedSample {
  const latents = new Float32Array(rows * columns * config.latent.tokenDim);
  const picture = { kind: 'vae', latents, rows, columns, loss: true, droppable: false } as const;
  const text = { kind: 'text', ids: prompt, loss: false, droppable: false } as const;
  return { id, items: prompted ? [text, picture] : [picture] };
}
