/**
 * Everything that can be said about a picture of the toy world. A look says who the character is and never changes; a scene
 * says what happens in one picture. The lists are the ground truth of captions, questions and evaluation alike.
 */

export const COLOURS = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'brown',
  'white',
  'grey',
  'black',
] as const;
export type Colour = (typeof COLOURS)[number];

/** Attributes of a character and their values. */
export const LOOK_VALUES = {
  species: ['cat', 'dog', 'fox', 'bear', 'rabbit', 'mouse', 'frog', 'penguin', 'owl', 'dragon'],
  colour: COLOURS,
  pattern: ['plain', 'spots', 'stripes', 'belly patch', 'mask'],
  patternColour: COLOURS,
  eyes: ['black', 'blue', 'green', 'brown', 'yellow', 'purple'],
  build: ['slim', 'round', 'tall'],
  outfit: ['nothing', 'shirt', 'sweater', 'overalls', 'dress', 'cape'],
  outfitColour: COLOURS,
  accessory: ['nothing', 'glasses', 'top hat', 'wizard hat', 'crown', 'bow', 'scarf', 'headphones'],
  accessoryColour: COLOURS,
} as const;

/** Attributes of a scene and their values. */
export const SCENE_VALUES = {
  place: [
    'meadow',
    'beach',
    'forest',
    'street',
    'mountain',
    'lake',
    'garden',
    'kitchen',
    'library',
    'bedroom',
  ],
  time: ['day', 'sunset', 'night'],
  weather: ['clear', 'rain', 'snow', 'clouds'],
  pose: ['standing', 'waving', 'sitting', 'walking', 'jumping', 'dancing', 'lying'],
  expression: ['happy', 'laughing', 'sad', 'angry', 'surprised', 'asleep'],
  object: [
    'nothing',
    'balloon',
    'book',
    'cup',
    'ball',
    'umbrella',
    'flower',
    'apple',
    'lantern',
    'guitar',
    'fish',
  ],
  framing: ['full', 'close', 'far'],
} as const;

type Values<T> = { readonly [K in keyof T]: T[K] extends readonly (infer V)[] ? V : never };

/** Who is drawn. `patternColour` counts only with a pattern, `outfitColour` and `accessoryColour` only with the thing. */
export type Look = Values<typeof LOOK_VALUES>;
/** What is drawn around and of the character. Indoors the weather is always clear. */
export type ToyScene = Values<typeof SCENE_VALUES>;

export type LookAttribute = keyof Look;
export type SceneAttribute = keyof ToyScene;

/** An attribute of a look or a scene. */
export type ToyAttribute = LookAttribute | SceneAttribute;

/** All attributes with their values, those of the look first. */
export const ATTRIBUTE_VALUES: Readonly<Record<ToyAttribute, readonly string[]>> = {
  ...LOOK_VALUES,
  ...SCENE_VALUES,
};

export const LOOK_ATTRIBUTES = Object.keys(LOOK_VALUES) as LookAttribute[];
export const SCENE_ATTRIBUTES = Object.keys(SCENE_VALUES) as SceneAttribute[];

const INDOORS: readonly ToyScene['place'][] = ['kitchen', 'library', 'bedroom'];

export function isIndoors(place: ToyScene['place']): boolean {
  return INDOORS.includes(place);
}

/** The attributes of a look that can be seen: colours of things that are not there are left out. */
export function visibleLook(look: Look): Partial<Record<LookAttribute, string>> {
  const { patternColour, outfitColour, accessoryColour, ...rest } = look;
  return {
    ...rest,
    ...(look.pattern === 'plain' ? {} : { patternColour }),
    ...(look.outfit === 'nothing' ? {} : { outfitColour }),
    ...(look.accessory === 'nothing' ? {} : { accessoryColour }),
  };
}

/** The attributes of a scene that can be seen: indoors there is no weather. */
export function visibleScene(scene: ToyScene): Partial<Record<SceneAttribute, string>> {
  const { weather, ...rest } = scene;
  return isIndoors(scene.place) ? rest : { ...rest, weather };
}
