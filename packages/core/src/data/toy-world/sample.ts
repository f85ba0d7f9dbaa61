/** Random looks and scenes, addressed by a seed. */
import type { KeyedRandom } from '../../random/keyed-random.js';
import {
  COLOURS,
  type Colour,
  isIndoors,
  LOOK_VALUES,
  type Look,
  SCENE_VALUES,
  type ToyScene,
} from './attributes.js';

/** One of the values, all equally likely. */
export function pick<T>(random: KeyedRandom, values: readonly T[]): T {
  return values[random.integer(values.length)] as T;
}

/** Colours that would melt into each other at a small size. */
const SIMILAR: readonly (readonly Colour[])[] = [
  ['red', 'pink'],
  ['red', 'orange'],
  ['orange', 'yellow'],
  ['orange', 'brown'],
  ['red', 'brown'],
  ['blue', 'purple'],
  ['purple', 'pink'],
  ['white', 'grey'],
  ['grey', 'black'],
  ['white', 'yellow'],
];

function standsOut(a: Colour, b: Colour): boolean {
  return a !== b && !SIMILAR.some((pair) => pair.includes(a) && pair.includes(b));
}

function colourAgainst(random: KeyedRandom, ...others: readonly Colour[]): Colour {
  return pick(
    random,
    COLOURS.filter((colour) => others.every((other) => standsOut(colour, other))),
  );
}

/** A character whose pattern and clothes stand out against its fur. */
export function randomLook(random: KeyedRandom): Look {
  const colour = pick(random, COLOURS);
  const patternColour = colourAgainst(random, colour);
  const outfitColour = colourAgainst(random, colour);
  return {
    species: pick(random, LOOK_VALUES.species),
    colour,
    pattern: pick(random, LOOK_VALUES.pattern),
    patternColour,
    eyes: pick(random, colour === 'black' ? LOOK_VALUES.eyes.slice(1) : LOOK_VALUES.eyes),
    build: pick(random, LOOK_VALUES.build),
    outfit: pick(random, LOOK_VALUES.outfit),
    outfitColour,
    accessory: pick(random, LOOK_VALUES.accessory),
    accessoryColour: colourAgainst(random, colour, outfitColour),
  };
}

/** A scene that makes sense: no weather indoors, eyes closed only lying or sitting, an umbrella only outdoors. */
export function randomScene(random: KeyedRandom): ToyScene {
  const place = pick(random, SCENE_VALUES.place);
  const pose = pick(random, SCENE_VALUES.pose);
  const mayRest = pose === 'lying' || pose === 'sitting';
  const objects = SCENE_VALUES.object.filter((object) => object !== 'umbrella' || !isIndoors(place));
  return {
    place,
    time: pick(random, SCENE_VALUES.time),
    weather: isIndoors(place) ? 'clear' : pick(random, SCENE_VALUES.weather),
    pose,
    expression: pick(
      random,
      SCENE_VALUES.expression.filter((expression) => expression !== 'asleep' || mayRest),
    ),
    object: pick(random, objects),
    framing: pick(random, SCENE_VALUES.framing),
  };
}
