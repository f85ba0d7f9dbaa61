/** A toy character as the files of a RoleScape-20 folder (spec 8.3, 8.4). */
import {
  type CharacterHead,
  type FileTexts,
  jsonText,
  promptFiles,
  type SceneContent,
  sceneFiles,
  trainingFiles,
} from '../rolescape/character-files.js';
import { visibleLook, visibleScene } from './attributes.js';
import { styleWords } from './text/speech.js';
import { lookWords } from './text/words.js';
import type { IllustratedScene, ToyCharacter } from './toy-character.js';

/** Ground truth beside the published files: what every picture shows. Read by the evaluation, ignored by training. */
export const TRUTH_FILE = 'toy_world.json';

/** `train/<Name>/` without the pictures. */
export function trainFiles(character: ToyCharacter): FileTexts {
  const { persona, train, heldOutDialogues } = character;
  return {
    ...trainingFiles({
      ...character,
      ...headOf(character),
      scenes: train.map(contentOf),
      personality: personalityQuestions(persona.name),
      memorization: heldOutDialogues.map(({ user }) => user),
      personalityProfile: styleWords(persona),
    }),
    ...truthFile(character, train),
  };
}

/** `test/<Name>/` without the pictures. */
export function testFiles(character: ToyCharacter): FileTexts {
  const { test } = character;
  return {
    ...sceneFiles(headOf(character), 'test', test.map(contentOf)),
    ...truthFile(character, test),
  };
}

/** `flow_grpo/dataset/personalized_t2i/<Name>/`: prompts of Character-GRPO with and without questions. */
export function grpoFiles({ persona: { name }, prompts }: ToyCharacter): FileTexts {
  return {
    ...promptFiles(name, prompts),
    [TRUTH_FILE]: jsonText({ scenes: prompts.map(({ scene }) => visibleScene(scene)) }),
  };
}

function headOf(character: ToyCharacter): CharacterHead {
  const { persona, description } = character;
  return { name: persona.name, description, opening: '', profile: profile(character) };
}

function contentOf({
  words,
  shortInstruction,
  questions,
  impressions,
  choices,
}: IllustratedScene): SceneContent {
  return {
    ...words,
    shortInstruction,
    questions: [
      ...questions.map(({ question, answer }) => ({ question, answer, kind: 'objective' as const })),
      ...impressions.map((pair) => ({ ...pair, kind: 'subjective' as const })),
    ],
    choices,
  };
}

function truthFile({ look, persona }: ToyCharacter, illustrated: readonly IllustratedScene[]): FileTexts {
  return {
    [TRUTH_FILE]: jsonText({
      look: visibleLook(look),
      style: persona.style,
      scenes: illustrated.map(({ scene }) => visibleScene(scene)),
    }),
  };
}

function profile({ persona, look, description }: ToyCharacter): string {
  const { name, age, home, work, food, hobby, dislike, friend, dream, fear, treasure, season, month } =
    persona;
  return [
    `# ${name}`,
    '',
    description,
    '',
    `- **Looks:** ${lookWords(look)}`,
    `- **Age and birthday:** ${age}, born in ${month}`,
    `- **Home and work:** ${home}; ${work}`,
    `- **Likes:** ${food}, ${hobby}, ${season}`,
    `- **Dislikes and fears:** ${dislike}, ${fear}`,
    `- **Best friend:** ${friend}`,
    `- **Dream and treasure:** ${dream}; ${treasure}`,
    `- **Speech:** ${styleWords(persona)}`,
    '',
  ].join('\n');
}

function personalityQuestions(name: string): string[] {
  return [
    `${name}, somebody took your treasure. What do you do?`,
    'A stranger knocks at your door late at night.',
    'You have won a prize. What do you say?',
    'Your friend is ill and cannot come.',
    'We have run out of your favourite food.',
    'Somebody calls you a liar.',
    'It is the first day of your favourite season.',
    'A child asks you for a bedtime story.',
    'You are asked to give a speech.',
    'Your work went wrong today.',
    'You meet your greatest fear on the road.',
    'Tell a newcomer about your home.',
    'You hear that a visitor is coming tomorrow.',
    'Somebody praises your work.',
    'You have to say goodbye for a year.',
  ];
}
