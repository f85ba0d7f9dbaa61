import { tf } from '@unicharacter/native';
import { inBatches } from '../in-batches.js';
import { toBytes } from '../pictures/float-image.js';
import { RewardError, type RewardModel, type RewardSample, type RewardScores } from '../reward-model.js';
import type { BlipModel } from '../towers/blip/blip-model.js';
import { depictsQuestion, isUsable, scoreAnswers, scoreDepicts } from './score-answers.js';

export interface VqaOptions {
  /**
   * What becomes of a sample without questions: an error (default), or, as in the reference, the question whether the
   * picture depicts the prompt, whose answer is searched for substrings.
   */
  readonly withoutQuestions?: 'error' | 'reference';
  readonly name?: string;
}

/** Pictures per pass of the vision tower. */
const BATCH = 16;

/** Longest answer to the question of the reference. */
const MAX_DEPICTS = 10;

/**
 * Weighted share of the sample's questions that BLIP-VQA answers as the gold answers say, in [0, 1] (rewards
 * specification §5.5). Takes over the model and disposes it. Details: `answers`.
 */
export function vqaReward(blip: BlipModel, options: VqaOptions = {}): RewardModel {
  const { withoutQuestions = 'error', name = 'vqa' } = options;

  function scoreSample(picture: tf.Tensor3D, { prompt, questions }: RewardSample) {
    if (questions.length === 0) {
      const question = depictsQuestion(prompt);
      const predicted = blip.tokenizer.decode(blip.answerIds(picture, [question], MAX_DEPICTS)[0]!).trim();
      return { score: scoreDepicts(predicted), answers: [{ question, predicted }] };
    }
    const usable = questions.filter(isUsable);
    const ids = blip.answerIds(
      picture,
      usable.map(({ question }) => question),
    );
    const answers = usable.map((question, i) => ({
      ...question,
      predicted: blip.tokenizer.decode(ids[i]!).trim(),
    }));
    return { score: scoreAnswers(answers), answers };
  }

  function scoreBatch(batch: readonly RewardSample[]) {
    const pixels = blip.processor.pixels(batch.map(({ image }) => toBytes(image)));
    const states = blip.vision.states(pixels);
    const pictures = tf.split(states, batch.length) as tf.Tensor3D[];
    tf.dispose([pixels, states]);
    try {
      return batch.map((sample, i) => scoreSample(pictures[i]!, sample));
    } finally {
      tf.dispose(pictures);
    }
  }

  return {
    name,
    provenance: { tower: 'BLIP-VQA', weights: blip.sha256, withoutQuestions },
    async score(samples): Promise<RewardScores> {
      const empty = samples.findIndex(({ questions }) => questions.length === 0);
      if (empty >= 0 && withoutQuestions === 'error') {
        throw new RewardError(
          `${name}: sample ${empty} ("${samples[empty]!.prompt}") has no questions; give its prompt questions, ` +
            'or switch the term off',
        );
      }
      const scored = inBatches(samples, BATCH, scoreBatch);
      return {
        values: Float64Array.from(scored, ({ score }) => score),
        details: scored.map(({ answers }) => ({ answers })),
      };
    },
    dispose: () => blip.dispose(),
  };
}
