/** English for the values of looks and scenes. Several phrases for one value mean the same. */
import { isIndoors, type Look, type ToyScene } from '../attributes.js';

type Phrases<V extends string> = Readonly<Record<V, readonly [string, ...string[]]>>;

export const PLACE: Phrases<ToyScene['place']> = {
  meadow: ['on the meadow', 'in the green meadow'],
  beach: ['at the beach', 'on the sandy beach'],
  forest: ['in the forest', 'among the fir trees'],
  street: ['in the street', 'in the town'],
  mountain: ['in the mountains', 'below the snowy peaks'],
  lake: ['by the lake', 'at the blue lake'],
  garden: ['in the garden', 'by the garden fence'],
  kitchen: ['in the kitchen', 'at home in the kitchen'],
  library: ['in the library', 'between the bookshelves'],
  bedroom: ['in the bedroom', 'beside the bed'],
};

export const TIME: Phrases<ToyScene['time']> = {
  day: ['by day', 'in daylight'],
  sunset: ['at sunset', 'as the sun goes down'],
  night: ['at night', 'under the moon'],
};

export const WEATHER: Phrases<ToyScene['weather']> = {
  clear: ['under a clear sky', 'in fine weather'],
  rain: ['in the rain', 'while rain falls'],
  snow: ['in the snow', 'while it snows'],
  clouds: ['under white clouds', 'under a cloudy sky'],
};

/** What the character is doing: "{name} is …". */
export const POSE: Phrases<ToyScene['pose']> = {
  standing: ['standing', 'standing still'],
  waving: ['waving', 'waving hello'],
  sitting: ['sitting', 'sitting down'],
  walking: ['walking', 'taking a walk'],
  jumping: ['jumping', 'jumping high'],
  dancing: ['dancing', 'dancing about'],
  lying: ['lying down', 'lying on one side'],
};

export const EXPRESSION: Phrases<ToyScene['expression']> = {
  happy: ['with a happy smile', 'looking happy'],
  laughing: ['laughing', 'laughing out loud'],
  sad: ['looking sad', 'with tears in the eyes'],
  angry: ['looking angry', 'with an angry frown'],
  surprised: ['looking surprised', 'with wide surprised eyes'],
  asleep: ['fast asleep', 'asleep with closed eyes'],
};

export const OBJECT: Phrases<ToyScene['object']> = {
  nothing: ['with empty hands', 'holding nothing'],
  balloon: ['holding a red balloon', 'with a balloon in hand'],
  book: ['holding a blue book', 'with a book in hand'],
  cup: ['holding a cup of tea', 'with a warm cup in hand'],
  ball: ['holding a ball', 'with a ball in hand'],
  umbrella: ['holding a purple umbrella', 'with an umbrella in hand'],
  flower: ['holding a pink flower', 'with a flower in hand'],
  apple: ['holding a red apple', 'with an apple in hand'],
  lantern: ['holding a lantern', 'with a lantern in hand'],
  guitar: ['holding a guitar', 'with a guitar in hand'],
  fish: ['holding a blue fish', 'with a fish in hand'],
};

export const FRAMING: Phrases<ToyScene['framing']> = {
  full: ['full view', 'seen from head to toe'],
  close: ['close-up', 'seen from very near'],
  far: ['seen from far away', 'small in a wide view'],
};

/** "a", or "an" before a vowel. */
export function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}

/** Dresses, glasses and so on with their colour: "a red scarf", "blue glasses". */
export function coloured(colour: string, thing: string): string {
  const plural = thing === 'glasses' || thing === 'headphones' || thing === 'overalls';
  return plural ? `${colour} ${thing}` : withArticle(`${colour} ${thing}`);
}

/** "white spots", "a white mask" …; undefined for plain fur. */
export function patternWords(look: Look): string | undefined {
  if (look.pattern === 'plain') return undefined;
  return look.pattern === 'spots' || look.pattern === 'stripes'
    ? `${look.patternColour} ${look.pattern}`
    : withArticle(`${look.patternColour} ${look.pattern}`);
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** "a round orange fox with white spots, green eyes, a blue cape and a red scarf". */
export function lookWords(look: Look): string {
  const worn = [
    look.outfit === 'nothing' ? undefined : coloured(look.outfitColour, look.outfit),
    look.accessory === 'nothing' ? undefined : coloured(look.accessoryColour, look.accessory),
  ];
  const traits = [patternWords(look), `${look.eyes} eyes`, ...worn].filter((part) => part !== undefined);
  return `${withArticle(`${look.build} ${look.colour} ${look.species}`)} with ${listed(traits)}`;
}

/** Where and when, without weather indoors: "by the lake at night in the rain". */
export function settingWords(scene: ToyScene, choose: (phrases: readonly string[]) => string): string {
  const weather = isIndoors(scene.place) ? [] : [choose(WEATHER[scene.weather])];
  return [choose(PLACE[scene.place]), choose(TIME[scene.time]), ...weather].join(' ');
}
