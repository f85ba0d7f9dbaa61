import { tf } from '@unicharacter/native';
import { scoped } from '../../../model/scoped.js';
import { fromBytes, type RewardSample, vqaReward, type WeightedQuestion } from '../../../reward/index.js';
import { BlipModel } from '../../../reward/towers/blip/blip-model.js';
import { isAnswerRight, scoreAnswers, scoreDepicts } from '../../../reward/vqa/score-answers.js';
import { concatenated, take, takeChannelsFirst } from '../../case.js';
import type { RewardGolden } from './golden.js';
import { channelsFirstBytes, decodeAll } from './pictures.js';
import type { RewardRunner } from './registry.js';

async function withBlip<T>(golden: RewardGolden, f: (blip: BlipModel) => T | Promise<T>): Promise<T> {
  const blip = await BlipModel.load(golden.path('blip-vqa'));
  try {
    return await f(blip);
  } finally {
    blip.dispose();
  }
}

export const blipTokenizeCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, ({ tokenizer }) => ({
    input_ids: (inputs.texts as string[]).map((text) => tokenizer.encode(text)),
  }));

export const blipDecodeCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, ({ tokenizer }) => ({
    text: (inputs.ids as number[][]).map((ids) => tokenizer.decode(ids)),
  }));

export const blipVisionCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, async ({ processor, vision }) => {
    const images = await decodeAll(golden, inputs.images as string[]);
    return scoped(() => {
      const pixels = processor.pixels(images);
      return {
        resized_u8: channelsFirstBytes(images.map((image) => processor.crop(image))),
        image_embeds: take(vision.states(pixels)),
        pixel_values: takeChannelsFirst(pixels),
      };
    });
  });

export const blipAnswerCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, async (blip) => {
    const question = inputs.question as string;
    const row = inputs.pixel_values_row as number;
    const [image] = await decodeAll(golden, [`blip-vqa/images/${row}.png`]);
    return scoped(() => {
      const picture = blip.vision.states(blip.processor.pixels([image!]));
      const [ids] = blip.answerIds(picture, [question], inputs.max_length as number);
      const questionIds = blip.tokenizer.encode(question);
      const states = blip.questions.states([questionIds], picture);
      const answering = blip.answers.begin(states, [questionIds.length]);
      const logits = ids!.slice(0, -1).map((id) => take(answering.step([id])));
      answering.dispose();
      return {
        question_embeds: take(tf.clone(states)),
        decoder_logits: concatenated(logits),
        generated_ids: ids,
        text: blip.tokenizer.decode(ids!),
      };
    });
  });

interface StoredQuestion {
  readonly image: number;
  readonly question: string;
  readonly gold: string;
}

interface StoredAnswer {
  readonly min_top1_margin: number;
}

export const blipGenerateCase: RewardRunner = (golden, entry) =>
  withBlip(golden, async (blip) => {
    const images = await decodeAll(golden, entry.inputs.images as string[]);
    const questions = entry.inputs.items as StoredQuestion[];
    const stored = entry.outputs.items!.value as StoredAnswer[];
    // All questions about a picture go through together, with padding.
    const answers = images.map((image, i) =>
      scoped(() => {
        const asked = questions.filter((item) => item.image === i).map(({ question }) => question);
        return blip.answerIds(blip.vision.states(blip.processor.pixels([image])), asked);
      }),
    );
    const next = images.map(() => 0);
    const items = questions.map(({ image, question, gold }, i) => {
      const ids = answers[image]![next[image]!++]!;
      const text = blip.tokenizer.decode(ids);
      return {
        image,
        question,
        gold,
        question_ids: blip.tokenizer.encode(question),
        generated_ids: ids,
        text,
        exact_match: isAnswerRight(text, gold) ? 1 : 0,
        // Information about the reference, not a value to match.
        min_top1_margin: stored[i]!.min_top1_margin,
      };
    });
    return { items };
  });

export const blipMaxLengthCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, async (blip) => {
    const images = await decodeAll(golden, [inputs.image as string]);
    return scoped(() => {
      const picture = blip.vision.states(blip.processor.pixels(images));
      const [ids] = blip.answerIds(picture, [inputs.question as string], inputs.max_length as number);
      return { generated_ids: ids, text: blip.tokenizer.decode(ids!) };
    });
  });

export const blipScoreCase: RewardRunner = (golden, { inputs }) =>
  withBlip(golden, async (blip) => {
    const images = await decodeAll(golden, inputs.images as string[]);
    const questions = inputs.vqa_questions as WeightedQuestion[][];
    const samples = images.map((image, i): RewardSample => {
      return { image: fromBytes(image), prompt: '', group: i, questions: questions[i]! };
    });
    return { score: (await vqaReward(blip).score(samples)).values };
  });

export const blipExactMatchCase: RewardRunner = (_, { inputs }) => ({
  match: (inputs.items as { prediction: string; gold: unknown }[]).map(({ prediction, gold }) =>
    isAnswerRight(prediction, gold) ? 1 : 0,
  ),
});

export const blipScoreRuleCase: RewardRunner = (_, { inputs }) => ({
  score: (inputs.images as Parameters<typeof scoreAnswers>[0][]).map(scoreAnswers),
});

export const blipFallbackCase: RewardRunner = (_, { inputs }) => ({
  score: (inputs.answers as string[]).map(scoreDepicts),
});
