/** Who a character is and how it talks. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import { pick } from '../sample.js';

const PERSONA_VALUES = {
  home: [
    'a tree house',
    'a lighthouse',
    'a windmill',
    'an old boat',
    'a warm burrow',
    'a tower of books',
    'a tea shop',
    'a glass house',
    'a cave behind a waterfall',
    'a red caravan',
  ],
  work: [
    'baker',
    'gardener',
    'postmaster',
    'astronomer',
    'painter',
    'musician',
    'librarian',
    'ferry captain',
    'clockmaker',
    'beekeeper',
    'kite maker',
    'detective',
  ],
  food: [
    'blueberry pie',
    'noodle soup',
    'cheese toast',
    'honey cake',
    'roast chestnuts',
    'pear jam',
    'pumpkin stew',
    'rice balls',
    'cinnamon buns',
    'seaweed salad',
  ],
  hobby: [
    'counting stars',
    'flying kites',
    'collecting shells',
    'playing chess',
    'knitting socks',
    'telling ghost stories',
    'growing mushrooms',
    'building sand castles',
    'whistling songs',
    'drawing maps',
  ],
  dislike: [
    'loud thunder',
    'wet socks',
    'cold porridge',
    'early mornings',
    'itchy wool',
    'messy desks',
    'long queues',
    'bitter tea',
    'broken toys',
    'rude crows',
  ],
  fear: ['the dark cellar', 'geese', 'deep water', 'spiders', 'high ladders', 'getting lost'],
  dream: [
    'sailing around the world',
    'finding a comet',
    'opening a school',
    'writing a long book',
    'seeing the northern lights',
    'winning the lantern race',
  ],
  treasure: [
    'a silver whistle',
    'a brass compass',
    'a blue marble',
    'a tiny music box',
    'a golden key',
    'a wooden flute',
  ],
  season: ['spring', 'summer', 'autumn', 'winter'],
  month: ['January', 'March', 'April', 'May', 'July', 'August', 'October', 'December'],
} as const;

const STYLE_VALUES = {
  person: ['first', 'third'],
  register: ['plain', 'formal', 'excited', 'shy', 'rhyming', 'wise'],
  opener: [
    'Plip plop!',
    'By my whiskers!',
    'Tick tock!',
    'Oh my stars!',
    'Hoo hoo!',
    'Fiddlesticks!',
    'Ahoy!',
    'Bing bong!',
    'Goodness me!',
    'Tally ho!',
    'Whoosh!',
    'Jam and crumbs!',
    'Hum hum!',
    'Snip snap!',
    'Holy acorns!',
    'Ding dong!',
    'La la la!',
    'Puff puff!',
    'Zip zap!',
    'Well well!',
  ],
  address: [
    'pond friend',
    'dear traveller',
    'little star',
    'old chum',
    'sweet pea',
    'captain',
    'my neighbour',
    'sunshine',
    'good soul',
    'comrade',
    'dearest guest',
    'buttercup',
    'moon child',
    'partner',
    'honey bun',
    'wise one',
    'young friend',
    'sailor',
    'cloud hopper',
    'berry heart',
  ],
} as const;

type Drawn<T> = { readonly [K in keyof T]: T[K] extends readonly (infer V)[] ? V : never };

/** How a character talks: grammatical person, register, the words it begins with, and what it calls people. */
export type SpeechStyle = Drawn<typeof STYLE_VALUES>;

export interface Persona extends Drawn<typeof PERSONA_VALUES> {
  readonly name: string;
  readonly age: number;
  readonly friend: string;
  readonly style: SpeechStyle;
}

const SYLLABLES = {
  first: ['Mo', 'Ti', 'Lu', 'Ba', 'Ke', 'Pi', 'Zo', 'Ru', 'Fe', 'No', 'Sa', 'Wi', 'Ja', 'Du', 'He', 'Vi'],
  second: ['ri', 'lo', 'mba', 'ska', 'nne', 'ppi', 'do', 'vi', 'rra', 'zu', 'lle', 'to'],
  last: ['n', 'l', 'x', '', 's', 'r', 'k', ''],
} as const;

/** A made-up name of two syllables. */
export function randomName(random: KeyedRandom): string {
  return pick(random, SYLLABLES.first) + pick(random, SYLLABLES.second) + pick(random, SYLLABLES.last);
}

function draw<T extends Readonly<Record<string, readonly unknown[]>>>(
  random: KeyedRandom,
  values: T,
): Drawn<T> {
  return Object.fromEntries(
    Object.entries(values).map(([key, list]) => [key, pick(random, list)]),
  ) as Drawn<T>;
}

/** What is decided beforehand; the rest of a persona is drawn. */
export interface PersonaGiven {
  readonly name?: string;
  readonly opener?: SpeechStyle['opener'];
  readonly address?: SpeechStyle['address'];
}

export function randomPersona(random: KeyedRandom, given: PersonaGiven = {}): Persona {
  const { name = randomName(random), ...style } = given;
  const others = Array.from({ length: 4 }, () => randomName(random)).filter((other) => other !== name);
  return {
    name,
    age: 3 + random.integer(90),
    friend: others[0] ?? `${name} the Second`,
    ...draw(random, PERSONA_VALUES),
    style: { ...draw(random, STYLE_VALUES), ...style },
  };
}

export const OPENERS = STYLE_VALUES.opener;
export const ADDRESSES = STYLE_VALUES.address;

/** Every value that a persona field can have: the wrong options of a multiple-choice question come from here. */
export function personaValues(field: keyof typeof PERSONA_VALUES): readonly string[] {
  return PERSONA_VALUES[field];
}
