/** Questions about a picture whose answers are its attributes. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import {
  ATTRIBUTE_VALUES,
  type Look,
  type ToyAttribute,
  type ToyScene,
  visibleLook,
  visibleScene,
} from '../attributes.js';
import { pick } from '../sample.js';

/** A question with its answer: a value of the attribute, or yes or no. */
export interface AttributeQuestion {
  readonly attribute: ToyAttribute;
  readonly question: string;
  readonly answer: string;
}

/** `{who}` is the character's name or its species; `{thing}` the garment that a colour belongs to. */
const OPEN: Readonly<Record<ToyAttribute, readonly string[]>> = {
  species: ['What animal is this?', 'What kind of animal is {who}?'],
  colour: ['What colour is the fur of {who}?', 'What is the main colour of {who}?'],
  pattern: ['What pattern does the fur have?', 'Is the fur plain, or what is on it?'],
  patternColour: ['What colour is the pattern of the fur?', 'Which colour do the markings have?'],
  eyes: ['What colour are the eyes?', 'Which eye colour does {who} have?'],
  build: ['Is {who} slim, round or tall?', 'What build does {who} have?'],
  outfit: ['What does {who} wear on the body?', 'What is the outfit?'],
  outfitColour: ['What colour is the {thing}?', 'Which colour does the {thing} have?'],
  accessory: ['What accessory does {who} have?', 'What does {who} wear on head or neck?'],
  accessoryColour: ['What colour is the {thing}?', 'Which colour does the {thing} have?'],
  place: ['Where is this?', 'What place is it?'],
  time: ['What time is it in the picture?', 'Is it day, sunset or night?'],
  weather: ['What is the weather like?', 'Which weather is it?'],
  pose: ['What is {who} doing?', 'Which pose is it?'],
  expression: ['How does {who} look, in one word?', 'What is the mood of {who}?'],
  object: ['What is in the hand?', 'What does {who} hold?'],
  framing: ['Is the view full, close or far?', 'How near is {who} to the viewer?'],
};

const YES_NO: Readonly<Record<ToyAttribute, (value: string, who: string, thing: string) => string>> = {
  species: (value, who) => `Is ${who} a ${value}?`,
  colour: (value) => `Is the fur ${value}?`,
  pattern: (value) => `Is the fur pattern ${value}?`,
  patternColour: (value) => `Is the pattern ${value}?`,
  eyes: (value) => `Are the eyes ${value}?`,
  build: (value, who) => `Is ${who} ${value}?`,
  outfit: (value) => `Is the outfit a ${value}?`,
  outfitColour: (value, _, thing) => `Is the ${thing} ${value}?`,
  accessory: (value) => `Is the accessory ${value}?`,
  accessoryColour: (value, _, thing) => `Is the ${thing} ${value}?`,
  place: (value) => `Is the place a ${value}?`,
  time: (value) => `Is the time ${value}?`,
  weather: (value) => `Is the weather ${value}?`,
  pose: (value, who) => `Is ${who} ${value}?`,
  expression: (value, who) => `Is ${who} ${value}?`,
  object: (value, who) => `Does ${who} hold ${value === 'nothing' ? 'nothing' : `a ${value}`}?`,
  framing: (value) => `Is the view ${value}?`,
};

function thingOf(attribute: ToyAttribute, look: Look): string {
  return attribute === 'outfitColour' ? look.outfit : attribute === 'accessoryColour' ? look.accessory : '';
}

/** All visible attributes of a picture with their values. */
export function visibleAttributes(look: Look, scene: ToyScene): [ToyAttribute, string][] {
  return Object.entries({ ...visibleLook(look), ...visibleScene(scene) }) as [ToyAttribute, string][];
}

/** The open question about one attribute. */
export function openQuestion(
  random: KeyedRandom,
  [attribute, answer]: [ToyAttribute, string],
  who: string,
  look: Look,
): AttributeQuestion {
  const question = pick(random, OPEN[attribute])
    .replaceAll('{who}', who)
    .replaceAll('{thing}', thingOf(attribute, look));
  return { attribute, question, answer };
}

/** A yes-or-no question about one attribute, half of them about a value that is not there. */
export function yesNoQuestion(
  random: KeyedRandom,
  [attribute, value]: [ToyAttribute, string],
  who: string,
  look: Look,
): AttributeQuestion {
  const truth = random.integer(2) === 0;
  const asked = truth ? value : otherValues(random, attribute, value, 1)[0]!;
  return {
    attribute,
    question: YES_NO[attribute](asked, who, thingOf(attribute, look)),
    answer: truth ? 'yes' : 'no',
  };
}

/** Different values of the attribute other than `value`, in random order. */
export function otherValues(
  random: KeyedRandom,
  attribute: ToyAttribute,
  value: string,
  count: number,
): string[] {
  const others = ATTRIBUTE_VALUES[attribute].filter((other) => other !== value);
  return random
    .permutation(others.length)
    .slice(0, count)
    .map((index) => others[index]!);
}
