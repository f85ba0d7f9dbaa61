/** Characters of the toy world and everything that is said about them. */
import { KeyedRandom } from '../../random/keyed-random.js';
import type { ChoiceQuestion, Dialogue, KnowledgeQuestion } from '../character.js';
import type { RewardQuestion } from '../rolescape/grpo-prompts.js';
import { LOOK_ATTRIBUTES, type Look, type ToyScene } from './attributes.js';
import { pick, randomLook, randomScene } from './sample.js';
import { heldOutDialogues, trainingDialogues } from './text/dialogues.js';
import { sceneInstruction } from './text/instructions.js';
import { choiceQuestion, knowledgeChoices, knowledgeQuestions } from './text/knowledge.js';
import { type Persona, type PersonaGiven, randomPersona } from './text/persona.js';
import {
  type AttributeQuestion,
  openQuestion,
  otherValues,
  visibleAttributes,
  yesNoQuestion,
} from './text/questions.js';
import { type SceneWords, sceneWords } from './text/scene-dialogue.js';
import { styleWords } from './text/speech.js';
import { lookWords, withArticle } from './text/words.js';

/** Random streams of the world; part of the identity of every generated data set. */
const STREAM = { character: 101, trainScenes: 102, testScenes: 103, prompts: 104 } as const;

/** How much is generated for one character. */
export interface ToySizes {
  readonly trainScenes: number;
  readonly testScenes: number;
  readonly dialogues: number;
  readonly knowledge: number;
  readonly knowledgeChoices: number;
  /** Prompts of Character-GRPO, with questions. */
  readonly prompts: number;
}

export const TOYSCAPE_SIZES: ToySizes = {
  trainScenes: 10,
  testScenes: 6,
  dialogues: 150,
  knowledge: 100,
  knowledgeChoices: 10,
  prompts: 32,
};

/** One picture with its words and questions. */
export interface IllustratedScene {
  readonly scene: ToyScene;
  readonly words: SceneWords;
  /** A short instruction that only names the character. */
  readonly shortInstruction: string;
  readonly questions: readonly AttributeQuestion[];
  readonly impressions: readonly { question: string; answer: string }[];
  readonly choices: readonly ChoiceQuestion[];
}

export interface ToyPrompt {
  readonly scene: ToyScene;
  readonly prompt: string;
  readonly questions: readonly RewardQuestion[];
}

export interface ToyCharacter {
  readonly persona: Persona;
  readonly look: Look;
  readonly description: string;
  readonly train: readonly IllustratedScene[];
  readonly test: readonly IllustratedScene[];
  readonly dialogues: readonly Dialogue[];
  readonly heldOutDialogues: readonly Dialogue[];
  readonly knowledge: readonly KnowledgeQuestion[];
  readonly knowledgeChoices: readonly ChoiceQuestion[];
  readonly prompts: readonly ToyPrompt[];
}

/**
 * The character number `index` of a world. The same arguments give the same character. No scene occurs twice, so test
 * scenes and prompts are new against the training pictures.
 *
 * @param given parts of the persona that are not drawn
 */
export function toyCharacter(
  seed: number,
  index: number,
  sizes: ToySizes = TOYSCAPE_SIZES,
  given: PersonaGiven = {},
): ToyCharacter {
  const random = new KeyedRandom(seed, STREAM.character, [index]);
  const look = randomLook(random);
  const persona = randomPersona(random, given);
  const used = new Set<string>();
  const illustrated = (stream: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const own = new KeyedRandom(seed, stream, [index, i]);
      return illustrate(own, persona, look, newScene(own, used));
    });
  return {
    persona,
    look,
    description: describe(persona, look),
    train: illustrated(STREAM.trainScenes, sizes.trainScenes),
    test: illustrated(STREAM.testScenes, sizes.testScenes),
    dialogues: trainingDialogues(random, persona, sizes.dialogues),
    heldOutDialogues: heldOutDialogues(random, persona),
    knowledge: knowledgeQuestions(random, persona, look, sizes.knowledge),
    knowledgeChoices: knowledgeChoices(random, persona, look, sizes.knowledgeChoices),
    prompts: Array.from({ length: sizes.prompts }, (_, i) => {
      const own = new KeyedRandom(seed, STREAM.prompts, [index, i]);
      return grpoPrompt(own, persona, look, newScene(own, used));
    }),
  };
}

function describe(persona: Persona, look: Look): string {
  const { name, age, work, home, food, hobby } = persona;
  return (
    `${name} is ${lookWords(look)}. ${name} is ${age} years old, works as ${withArticle(work)}, lives in ${home}, ` +
    `loves ${food} and ${hobby}. ${styleWords(persona)}`
  );
}

function newScene(random: KeyedRandom, used: Set<string>): ToyScene {
  for (;;) {
    const scene = randomScene(random);
    const key = Object.values(scene).join('/');
    if (used.has(key)) continue;
    used.add(key);
    return scene;
  }
}

const IMPRESSIONS: Readonly<Record<ToyScene['expression'], string>> = {
  happy: 'calm and cheerful',
  laughing: 'very merry',
  sad: 'sad and lonely',
  angry: 'tense and stormy',
  surprised: 'full of wonder',
  asleep: 'quiet and peaceful',
};

function illustrate(random: KeyedRandom, persona: Persona, look: Look, scene: ToyScene): IllustratedScene {
  const { name } = persona;
  const attributes = visibleAttributes(look, scene);
  const some = random.permutation(attributes.length);
  return {
    scene,
    words: sceneWords(random, persona, look, scene),
    shortInstruction: sceneInstruction(random, name, scene),
    questions: [
      ...attributes.map((attribute) => openQuestion(random, attribute, name, look)),
      ...some.slice(0, 6).map((at) => yesNoQuestion(random, attributes[at]!, name, look)),
    ],
    impressions: [{ question: 'What feeling does the picture give?', answer: IMPRESSIONS[scene.expression] }],
    choices: some.slice(0, 5).map((at, i) => {
      const [attribute, value] = attributes[at]!;
      const { question } = openQuestion(random, attributes[at]!, name, look);
      return choiceQuestion(random, String(i + 1), question, value, otherValues(random, attribute, value, 3));
    }),
  };
}

/** Scene questions count fully, questions about the look a little less: the look is the same in every prompt. */
const LOOK_WEIGHT = 0.8;

function grpoPrompt(random: KeyedRandom, persona: Persona, look: Look, scene: ToyScene): ToyPrompt {
  const { name } = persona;
  const attributes = visibleAttributes(look, scene);
  const questions = attributes.map((attribute) => {
    const ask = pick(random, [openQuestion, yesNoQuestion]);
    const { attribute: about, question, answer } = ask(random, attribute, name, look);
    const isLook = (LOOK_ATTRIBUTES as readonly string[]).includes(about);
    return {
      question,
      answer,
      weight: isLook ? LOOK_WEIGHT : 1,
      isNegative: answer === 'no',
      category: about,
    };
  });
  return { scene, prompt: sceneInstruction(random, name, scene), questions };
}
