import {
  isReservedLook,
  type ToyCharacter,
  type ToySizes,
  toyCharacter,
  visibleLook,
  visibleScene,
} from '../../data/toy-world/index.js';
import { openQuestion, visibleAttributes } from '../../data/toy-world/text/questions.js';
import { seenAttributes } from '../../judges/attributes-seen.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import type { GeneralPictureTask, GeneralQuestionTask, GeneralReplyTask, GeneralTask } from './task.js';

/** A world of its own: no base and no judge was trained on its characters. */
const WORLD_SEED = 20270707;
const CHARACTERS = 8;
const QUESTIONS = 4;
const REPLIES = 2;
/** Random stream of which attributes are asked about. */
const STREAM = 404;

const SIZES: ToySizes = {
  trainScenes: 1,
  testScenes: 0,
  dialogues: 0,
  knowledge: 0,
  knowledgeChoices: 0,
  prompts: 0,
};

/**
 * What a base of the toy world can do with any character that is described to it, and should still do when it was customised:
 * draw it in a scene, answer questions about its picture, and talk like it. The same characters for every run.
 *
 * @param name the customised character, which is not among them
 * @param side of the pictures that are asked about, in pixels
 */
export function generalTasks(name: string, side: number, seed: number): GeneralTask[] {
  return others(name).flatMap(({ number, character }) => [
    pictureTask(character, number, seed),
    ...questionTasks(character, number, side),
    ...replyTasks(character, number, seed),
  ]);
}

/** The character of a picture that is asked about, by its number in the world. */
export const generalCharacter = (number: number): ToyCharacter => toyCharacter(WORLD_SEED, number, SIZES);

function others(name: string): { number: number; character: ToyCharacter }[] {
  const found: { number: number; character: ToyCharacter }[] = [];
  for (let number = 0; found.length < CHARACTERS; number++) {
    const character = generalCharacter(number);
    if (character.persona.name !== name && !isReservedLook(character.look)) found.push({ number, character });
  }
  return found;
}

function shownBy({ look, train }: ToyCharacter): Readonly<Record<string, string>> {
  return seenAttributes(visibleLook(look), visibleScene(train[0]!.scene)) as Readonly<Record<string, string>>;
}

function pictureTask(character: ToyCharacter, number: number, seed: number): GeneralPictureTask {
  return {
    kind: 'general_picture',
    family: 'general',
    id: `general-picture-${number}`,
    prompt: character.train[0]!.words.instruction,
    shows: shownBy(character),
    seed,
  };
}

function questionTasks(character: ToyCharacter, number: number, side: number): GeneralQuestionTask[] {
  const { look, train, persona } = character;
  const shown = shownBy(character);
  const attributes = visibleAttributes(look, train[0]!.scene).filter(([attribute]) => attribute in shown);
  const random = new KeyedRandom(WORLD_SEED, STREAM, [number]);
  const order = random.permutation(attributes.length).slice(0, QUESTIONS);
  return order.map((at, i) => {
    const { question, answer } = openQuestion(random, attributes[at]!, persona.name, look);
    return {
      kind: 'general_question',
      family: 'general',
      id: `general-question-${number}-${i + 1}`,
      question,
      gold: answer,
      character: number,
      side,
    };
  });
}

function replyTasks(character: ToyCharacter, number: number, seed: number): GeneralReplyTask[] {
  const { persona, description, heldOutDialogues } = character;
  const { name, style } = persona;
  return Array.from({ length: REPLIES }, (_, i) => {
    const { user, reply } = heldOutDialogues[(REPLIES * number + i) % heldOutDialogues.length]!;
    return {
      kind: 'general_reply',
      family: 'general',
      id: `general-reply-${number}-${i + 1}`,
      character: { name, description, opening: '' },
      style: { opener: style.opener, address: style.address },
      user,
      reference: reply,
      seed,
    };
  });
}
