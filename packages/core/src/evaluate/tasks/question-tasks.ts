import type { ChoiceQuestion, ImageRef } from '../../data/index.js';
import { listedQuestion } from '../../data/listed-question.js';
import type { Look } from '../../data/toy-world/index.js';
import { openQuestion } from '../../data/toy-world/text/questions.js';
import { seenAttributes } from '../../judges/attributes-seen.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import type { Subject } from '../subject.js';
import type { QuestionTask } from './task.js';

/** Random streams of the evaluation. */
const STREAM = { options: 401, questions: 402 } as const;

const numbered = (name: string, index: number) => `${name}-${String(index + 1).padStart(3, '0')}`;

/** Questions about the character that were not trained on: each once open and once with its options. */
export function knowledgeTasks({ character }: Subject, seed: number): QuestionTask[] {
  return character.heldOut.knowledgeChoices.flatMap((choice, i) => [
    openTask('knowledge', numbered('knowledge-open', i), choice),
    listedTask(
      'knowledge',
      numbered('knowledge-choice', i),
      choice,
      new KeyedRandom(seed, STREAM.options, [0, i]),
    ),
  ]);
}

/**
 * Questions about pictures: the held-out choices about training pictures, and in the toy world one about every attribute
 * that a test picture shows.
 */
export function vqaTasks(subject: Subject, seed: number): QuestionTask[] {
  const { character } = subject;
  const choices = character.heldOut.sceneChoices.flatMap((choice, i) => {
    const image = character.images.find(({ id }) => id === choice.imageId);
    if (!image) return [];
    const random = new KeyedRandom(seed, STREAM.options, [1, i]);
    return [listedTask('vqa', numbered('vqa-choice', i), choice, random, image)];
  });
  return [...attributeTasks(subject, seed), ...choices];
}

function attributeTasks({ test, truth, character }: Subject, seed: number): QuestionTask[] {
  if (!test || !truth) return [];
  const { look } = truth;
  return test.images.flatMap(({ id, path }) => {
    const scene = truth.scenes[Number(id)];
    if (!scene) return [];
    const random = new KeyedRandom(seed, STREAM.questions, [Number(id)]);
    return Object.entries(seenAttributes(look, scene)).map(([attribute, value]): QuestionTask => {
      // A question names only things that the picture shows, so the visible part of the look is enough.
      const pair = [attribute, value] as Parameters<typeof openQuestion>[1];
      const { question, answer } = openQuestion(random, pair, character.name, look as unknown as Look);
      return {
        kind: 'question',
        family: 'vqa',
        id: `vqa-test-${id}-${attribute}`,
        question,
        gold: answer,
        listed: false,
        image: path,
      };
    });
  });
}

function openTask(family: 'knowledge' | 'vqa', id: string, choice: ChoiceQuestion): QuestionTask {
  const options = Object.values(choice.options);
  return {
    kind: 'question',
    family,
    id,
    question: choice.question,
    gold: goldOf(choice),
    options,
    listed: false,
  };
}

/** Options in random order: in published data the right answer stands in the same place too often. */
function listedTask(
  family: 'knowledge' | 'vqa',
  id: string,
  choice: ChoiceQuestion,
  random: KeyedRandom,
  image?: ImageRef,
): QuestionTask {
  const texts = Object.values(choice.options);
  const options = random.permutation(texts.length).map((at) => texts[at]!);
  return {
    kind: 'question',
    family,
    id,
    question: listedQuestion(choice.question, options),
    gold: goldOf(choice),
    options,
    listed: true,
    ...(image ? { image: image.path } : {}),
  };
}

const goldOf = ({ options, answer }: ChoiceQuestion) => options[answer]!;
