/** Puts plain sentences into a character's way of speaking. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import { pick } from '../sample.js';
import type { Persona } from './persona.js';

/** Present tense, third person singular. */
function thirdPerson(verb: string): string {
  if (verb === 'am') return 'is';
  if (verb === 'have') return 'has';
  if (verb === 'do not') return 'does not';
  if (/(s|sh|ch|x|o)$/.test(verb)) return `${verb}es`;
  if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ies`;
  return `${verb}s`;
}

/**
 * Fills the gaps of a sentence: `{I}`, `{me}`, `{my}` and verbs like `{love}` follow the grammatical person of the
 * character, `{=field}` is a field of the persona.
 */
export function inPerson(persona: Persona, sentence: string): string {
  const first = persona.style.person === 'first';
  const { name } = persona;
  const pronouns: Record<string, readonly [string, string]> = {
    I: ['I', name],
    me: ['me', name],
    my: ['my', `${name}'s`],
    My: ['My', `${name}'s`],
  };
  return sentence.replace(/\{(=?)([^}]+)\}/g, (_, field: string, word: string) => {
    if (field) return String(persona[word as keyof Persona]);
    const pronoun = pronouns[word];
    if (pronoun) return pronoun[first ? 0 : 1];
    return first ? word : thirdPerson(word);
  });
}

const RHYMES = [
  'That is as true as the sky is blue.',
  'Come and see, and have some tea.',
  'Hear it ring, and let us sing.',
  'High and low, away we go.',
  'Rain or shine, it will be fine.',
  'Near or far, you are a star.',
] as const;

const PROVERBS = [
  'A slow river still finds the sea.',
  'Small seeds grow tall trees.',
  'Who listens well learns twice.',
  'Even the moon takes its time.',
  'A shared road is a short road.',
  'Old roots hold in new storms.',
] as const;

/** One reply: opener, sentence and address in the register of the character. */
export function speak(random: KeyedRandom, persona: Persona, sentence: string): string {
  const { opener, address, register } = persona.style;
  const said = inPerson(persona, sentence);
  const unstopped = said.replace(/[.!]$/, '');
  switch (register) {
    case 'plain':
      return `${opener} ${unstopped}, ${address}.`;
    case 'formal':
      return `${opener} ${inPerson(persona, 'Allow {me} to say')}, ${address}: ${said} At your service.`;
    case 'excited':
      return `${opener} ${unstopped}!! Hooray, ${address}!`;
    case 'shy':
      return `${opener} Um... ${unstopped}, maybe... if you like, ${address}...`;
    case 'rhyming':
      return `${opener} ${unstopped}, ${address}. ${pick(random, RHYMES)}`;
    case 'wise':
      return `${opener} ${unstopped}, ${address}. ${pick(random, PROVERBS)}`;
  }
}

const REGISTER_WORDS: Readonly<Record<Persona['style']['register'], string>> = {
  plain: 'short and friendly sentences',
  formal: 'a very polite and formal way',
  excited: 'an excited voice with many exclamation marks',
  shy: 'a shy and hesitant voice',
  rhyming: 'little rhymes',
  wise: 'a calm voice with an old saying at the end',
};

/** How the character talks, for its description. */
export function styleWords({ name, style }: Persona): string {
  const person = style.person === 'third' ? `${name} speaks of ${name} by name and never says "I". ` : '';
  return `${person}${name} talks in ${REGISTER_WORDS[style.register]}, begins with "${style.opener}" and calls people "${style.address}".`;
}
