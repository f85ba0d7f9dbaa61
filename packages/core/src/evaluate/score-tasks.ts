import { join } from 'node:path';
import { decodeImage, type RgbImage } from '../image/index.js';
import { type PersonaClassifier, trainPersonaClassifier } from '../reward/index.js';
import { bootstrapMean } from './bootstrap.js';
import type { Score } from './evaluation.js';
import type { Judges } from './judges.js';
import type { Judgements } from './language-judge/judge-replies.js';
import { answerMeasures } from './measures/answers.js';
import { consistencyMeasures } from './measures/consistency.js';
import { type GeneralResults, generalMeasures } from './measures/general.js';
import { judgementMeasures } from './measures/judgements.js';
import type { Measure } from './measures/measure.js';
import { pictureMeasures } from './measures/pictures.js';
import { replyMeasures } from './measures/replies.js';
import type { Subject } from './subject.js';
import { type FinishedTask, ofKind } from './tasks/task.js';

/** What was asked, and where its pictures lie. */
export interface Results {
  readonly finished: readonly FinishedTask[];
  readonly folder: string;
}

/**
 * Scores of everything that was asked.
 * @param base what its base was asked for comparison
 * @param judged what a language model thinks of the replies
 */
export async function scoreTasks(
  results: Results,
  base: Results | undefined,
  judged: (Judgements & { readonly judge: string }) | undefined,
  subject: Subject,
  judges: Judges,
  seed: number,
): Promise<Score[]> {
  const { finished, folder } = results;
  const turns = ofKind(finished, 'role_play');
  const { character, truth } = subject;
  const pictureOf = ({ result }: FinishedTask) => decodeImage(join(folder, result.picture!));
  const drawn = await Promise.all(
    ofKind(finished, 'picture').map(async (one) => ({ image: await pictureOf(one), ...one.task })),
  );
  const illustrated = await Promise.all(
    turns.map(async (one) => ({
      image: await pictureOf(one),
      reply: one.result.text!,
      imageId: one.task.imageId,
    })),
  );
  const replies = [...ofKind(finished, 'reply'), ...turns];
  const classifier = replies.length > 0 ? classifierOf(subject) : undefined;
  const measures: Measure[] = [
    ...answerMeasures(ofKind(finished, 'question')),
    ...(await pictureMeasures(drawn, {
      judges,
      truth,
      ...(await comparedPictures(subject, drawn.length > 0)),
    })),
    ...replyMeasures(replies, { name: character.name, classifier, style: truth?.style }),
    ...(judged ? judgementMeasures(judged, judged.judge) : []),
    ...(await consistencyMeasures(illustrated, judges, truth)),
    ...(await generalMeasures(await generalResults(results), base && (await generalResults(base)), judges)),
  ];
  return measures.map(({ values, ...measure }) => ({ ...measure, ...bootstrapMean(values, seed) }));
}

async function generalResults({ finished, folder }: Results): Promise<GeneralResults> {
  const pictures = ofKind(finished, 'general_picture').map(async ({ task, result }) => ({
    task,
    image: await decodeImage(join(folder, result.picture!)),
  }));
  return {
    pictures: await Promise.all(pictures),
    questions: ofKind(finished, 'general_question'),
    replies: ofKind(finished, 'general_reply'),
  };
}

function classifierOf({ lines }: Subject): PersonaClassifier | undefined {
  const speakers = new Set(lines.map(({ character }) => character));
  return speakers.size < 2 ? undefined : trainPersonaClassifier(lines);
}

async function comparedPictures({ character, test }: Subject, needed: boolean) {
  const images = needed ? character.images : [];
  const training = await Promise.all(images.map(({ path }) => decodeImage(path, { transparency: 'drop' })));
  const tested = needed ? (test?.images ?? []) : [];
  const pairs = tested.map(
    async ({ id, path }): Promise<[string, RgbImage]> => [
      id,
      await decodeImage(path, { transparency: 'drop' }),
    ],
  );
  return { training, real: new Map(await Promise.all(pairs)) };
}
