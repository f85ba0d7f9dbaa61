import { noGrad, type Precision, tf, withAutocast } from '@unicharacter/native';
import {
  type EncodedItem,
  type EncodedSample,
  imagePatches,
  type LoraAdapter,
  packRow,
  resizeTo,
  stageRow,
  type UnifiedModel,
} from '../../model/index.js';
import { type FloatImage, type RewardModel, type RewardSample, toBytes } from '../../reward/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';

/** Pictures with their questions per forward pass. */
const BATCH = 4;

/**
 * Weighted mean over the sample's questions of how sure the model itself is of the gold answer when it looks at the
 * picture: the geometric mean of the probabilities of the answer's tokens, in (0, 1]. The model judges as it was when the
 * stage began: without the adapter that is being trained, or, where whole weights are, with an understanding expert that
 * Character-GRPO leaves alone. A sample without questions scores 0. Details: `answers`.
 */
export function ownVqaReward(
  { model, reference }: { model: UnifiedModel; reference?: LoraAdapter | null },
  tokenizer: Tokenizer,
  precision: Precision,
): RewardModel {
  const asJudge = <T>(f: () => T): T => (reference === undefined ? f() : model.withAdapter(reference, f));
  const score = (batch: readonly RewardSample[]) => {
    const questions = batch.flatMap((sample) =>
      sample.questions.map((asked) => ({ image: sample.image, ...asked })),
    );
    if (questions.length === 0) return batch.map(() => ({ score: 0, answers: [] }));
    const sure = asJudge(() => certainties(model, tokenizer, precision, questions));
    let at = 0;
    return batch.map((sample) => {
      const answers = sample.questions.map((asked) => ({ ...asked, probability: sure[at++]! }));
      const weight = answers.reduce((sum, answer) => sum + answer.weight, 0);
      const sum = answers.reduce((total, answer) => total + answer.weight * answer.probability, 0);
      return { score: weight > 0 ? sum / weight : 0, answers };
    });
  };
  return {
    name: 'vqa',
    provenance: { judge: 'the model itself', measure: 'probability of the gold answer' },
    score: async (samples) => {
      const scored: ReturnType<typeof score> = [];
      for (let from = 0; from < samples.length; from += BATCH)
        scored.push(...score(samples.slice(from, from + BATCH)));
      return {
        values: Float64Array.from(scored, (entry) => entry.score),
        details: scored.map(({ answers }) => ({ answers })),
      };
    },
    dispose: () => {},
  };
}

interface Asked {
  readonly image: FloatImage;
  readonly question: string;
  readonly answer: string;
}

/** exp(mean log-probability) of every gold answer. Questions and answers are laid out as in training (spec 6.8). */
function certainties(
  model: UnifiedModel,
  tokenizer: Tokenizer,
  precision: Precision,
  asked: readonly Asked[],
): number[] {
  const patches = new Map<FloatImage, EncodedItem>();
  const look = (image: FloatImage): EncodedItem => {
    const known = patches.get(image);
    if (known) return known;
    const grid = imagePatches(resizeTo(toBytes(image), model.config.images.vitTraining), model.config);
    const item: EncodedItem = { kind: 'vit', ...grid, droppable: false };
    patches.set(image, item);
    return item;
  };
  const text = (words: string, loss: boolean): EncodedItem => ({
    kind: 'text',
    ids: tokenizer.encode(words),
    loss,
    droppable: false,
  });
  const samples: EncodedSample[] = asked.map(({ image, question, answer }, index) => ({
    id: `question ${index}`,
    items: [look(image), text(question, false), text(answer, true)],
  }));
  const row = stageRow(
    packRow(
      samples.map((sample) => ({ sample })),
      model.config,
      tokenizer.special,
    ),
    model.config,
  );
  try {
    const losses = noGrad(() =>
      tf.tidy(() =>
        withAutocast(precision, () => model.forwardTrain(row, { times: [] }).ce!.dataSync<'float32'>()),
      ),
    );
    let at = 0;
    return samples.map(({ items }) => {
      const answer = items[2] as EncodedItem & { kind: 'text' };
      const predictions = answer.ids.length + 1;
      let sum = 0;
      for (let i = 0; i < predictions; i++) sum += losses[at++]!;
      return Math.exp(-sum / predictions);
    });
  } finally {
    row.dispose();
  }
}
