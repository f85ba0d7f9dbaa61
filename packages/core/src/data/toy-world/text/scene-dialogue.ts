/** The words that belong to a picture: what the user says, what the character answers, and the plan of the picture. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import type { Look, ToyScene } from '../attributes.js';
import { pick } from '../sample.js';
import { describedInstruction } from './instructions.js';
import type { Persona } from './persona.js';
import { speak } from './speech.js';
import { EXPRESSION, FRAMING, lookWords, OBJECT, POSE, settingWords } from './words.js';

export interface SceneWords {
  readonly user: string;
  readonly reply: string;
  readonly thinking: string;
  readonly instruction: string;
}

const INVITATIONS: readonly ((name: string, setting: string) => string)[] = [
  (name, setting) => `${name}, what are you doing ${setting}?`,
  (_, setting) => `Shall we meet ${setting}?`,
  (name, setting) => `Show me a picture of you ${setting}, ${name}.`,
  (_, setting) => `I would like to see you ${setting}.`,
  (name, setting) => `Are you ${setting} again, ${name}?`,
];

const MOODS: Readonly<Record<ToyScene['expression'], string>> = {
  happy: '{I} {feel} happy',
  laughing: '{I} {laugh} out loud',
  sad: '{I} {feel} sad',
  angry: '{I} {am} angry',
  surprised: '{I} {am} so surprised',
  asleep: '{I} {sleep} deeply',
};

const WITH: Readonly<Record<ToyScene['object'], string>> = {
  nothing: 'with nothing in {my} hands',
  balloon: 'with {my} red balloon',
  book: 'with {my} blue book',
  cup: 'with a cup of tea',
  ball: 'with {my} ball',
  umbrella: 'under {my} purple umbrella',
  flower: 'with a pink flower',
  apple: 'with a red apple',
  lantern: 'with {my} lantern',
  guitar: 'with {my} guitar',
  fish: 'with a blue fish',
};

export function sceneWords(random: KeyedRandom, persona: Persona, look: Look, scene: ToyScene): SceneWords {
  const choose = (phrases: readonly string[]) => pick(random, phrases);
  const { name } = persona;
  const setting = settingWords(scene, choose);
  const pose = choose(POSE[scene.pose]);
  const answer = `{I} {am} ${pose} ${settingWords(scene, choose)} ${WITH[scene.object]}, and ${MOODS[scene.expression]}.`;
  return {
    user: pick(random, INVITATIONS)(name, setting),
    reply: speak(random, persona, answer),
    thinking:
      `${name} is ${lookWords(look)}. The place: ${settingWords(scene, choose)}. ${name} is ${pose}, ` +
      `${choose(EXPRESSION[scene.expression])}, ${choose(OBJECT[scene.object])}. View: ${choose(FRAMING[scene.framing])}.`,
    instruction: describedInstruction(random, name, look, scene),
  };
}
