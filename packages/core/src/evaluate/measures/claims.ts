import { SCENE_VALUES, type SceneAttribute } from '../../data/toy-world/index.js';
import { EXPRESSION, OBJECT, PLACE, POSE, TIME, WEATHER } from '../../data/toy-world/text/words.js';
import { normalisedText } from '../metrics/index.js';

type Phrases = Readonly<Record<string, readonly string[]>>;

/** Words beside the phrases of instructions in which replies tell the same. */
const MOODS: Phrases = {
  happy: ['feel happy', 'feels happy'],
  laughing: ['laugh out loud', 'laughs out loud'],
  sad: ['feel sad', 'feels sad'],
  angry: ['am angry', 'is angry'],
  surprised: ['so surprised'],
  asleep: ['sleep deeply', 'sleeps deeply'],
};

const BARE_OBJECTS: Phrases = Object.fromEntries(
  SCENE_VALUES.object.map((object) => [object, object === 'nothing' ? ['nothing in'] : [object]]),
);

const PHRASES: Readonly<Partial<Record<SceneAttribute, readonly Phrases[]>>> = {
  place: [PLACE],
  time: [TIME],
  weather: [WEATHER],
  pose: [POSE],
  expression: [EXPRESSION, MOODS],
  object: [OBJECT, BARE_OBJECTS],
};

/**
 * What a text says about a toy-world scene: for each attribute the one value whose phrases occur in it. An attribute of which
 * nothing or several values are said is left out.
 */
export function claimsOf(text: string): Readonly<Partial<Record<SceneAttribute, string>>> {
  const said = ` ${normalisedText(text)} `;
  const entries = Object.entries(PHRASES).flatMap(([attribute, lists]) => {
    const values = SCENE_VALUES[attribute as SceneAttribute].filter((value) =>
      lists.some((phrases) => phrases[value]!.some((phrase) => said.includes(` ${normalisedText(phrase)} `))),
    );
    return values.length === 1 ? [[attribute, values[0]!] as const] : [];
  });
  return Object.fromEntries(entries);
}
