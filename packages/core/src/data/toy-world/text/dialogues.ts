/** Dialogues without pictures. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import type { Dialogue } from '../../character.js';
import { pick } from '../sample.js';
import type { Persona } from './persona.js';
import { speak } from './speech.js';
import { TOPICS } from './topics.js';

function dialogue(random: KeyedRandom, persona: Persona, asked: string, answer: string): Dialogue {
  return {
    user: asked.replaceAll('{name}', persona.name),
    reply: speak(random, persona, sentenceCase(answer, persona)),
  };
}

/** A sentence that begins with a persona field begins with a capital all the same. */
function sentenceCase(sentence: string, persona: Persona): string {
  return sentence.replace(/^\{=(\w+)\}/, (_, field: string) => {
    const value = String(persona[field as keyof Persona]);
    return value.charAt(0).toUpperCase() + value.slice(1);
  });
}

/**
 * Up to `count` different dialogues on all topics, in random order; the reserved way of asking does not occur. There are
 * about 250 different ones.
 */
export function trainingDialogues(random: KeyedRandom, persona: Persona, count: number): Dialogue[] {
  const pairs = TOPICS.flatMap(({ asked, answers }) =>
    asked.slice(0, -1).flatMap((question) => answers.map((answer) => ({ question, answer }))),
  );
  return random
    .permutation(pairs.length)
    .slice(0, count)
    .map((index) => dialogue(random, persona, pairs[index]!.question, pairs[index]!.answer));
}

/** One dialogue of every topic, asked in the reserved way. */
export function heldOutDialogues(random: KeyedRandom, persona: Persona): Dialogue[] {
  return TOPICS.map(({ asked, answers }) => dialogue(random, persona, asked.at(-1)!, pick(random, answers)));
}
