import {
  ATTRIBUTE_VALUES,
  drawScene,
  LOOK_ATTRIBUTES,
  type Look,
  SCENE_ATTRIBUTES,
  type ToyAttribute,
  type ToyScene,
  visibleLook,
  visibleScene,
} from '../../data/toy-world/index.js';
import { type RgbImage, resizeBicubic } from '../../image/index.js';

/** A value of every attribute: what a picture seems to show. */
export type Reading = Readonly<Record<ToyAttribute, string>>;

/** Side in pixels at which drawings are compared: small enough to forgive blur and small shifts, large enough for eyes. */
const SIDE = 64;
const MAX_SWEEPS = 4;

/** Attributes that change together. A thing in the wrong colour may be farther from the picture than no thing at all. */
const PAIRS = [
  ['outfit', 'outfitColour'],
  ['pattern', 'patternColour'],
  ['accessory', 'accessoryColour'],
] as const;

/** From what fills the picture to what is a few pixels large: later ones are compared with the earlier in place. */
const ORDER: readonly (readonly ToyAttribute[])[] = [
  ...(['place', 'time', 'weather', 'framing', 'pose', 'species', 'build', 'colour'] as const).map((name) => [
    name,
  ]),
  ...PAIRS,
  ...(['object', 'expression', 'eyes'] as const).map((name) => [name]),
];

/**
 * Reads a picture by drawing: from a first guess, one attribute after the other takes the value whose drawing is nearest to the
 * picture (mean absolute difference), until a sweep over all of them changes nothing. Only the part that the values differ in
 * decides, so a value is found although the rest of the picture is blurred or wrong.
 */
export async function fitDrawing(image: RgbImage, guess: Reading): Promise<Reading> {
  const target = resizeBicubic(image, SIDE, SIDE);
  // The last sweep asks again what the one before asked.
  const known = new Map<string, Promise<number>>();
  const differenceOf = (reading: Reading) => {
    const key = visibleKey(reading);
    const difference = known.get(key) ?? drawingDifference(reading, target);
    known.set(key, difference);
    return difference;
  };
  let best = guess;
  let error = await differenceOf(best);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    const before = best;
    for (const names of ORDER) {
      const candidates = alternatives(best, names);
      const errors = await Promise.all(candidates.map(differenceOf));
      const least = Math.min(...errors);
      if (least >= error) continue;
      error = least;
      best = candidates[errors.indexOf(least)]!;
    }
    if (best === before) break;
  }
  return best;
}

/** The reading with every other combination of values of some attributes. */
function alternatives(reading: Reading, names: readonly ToyAttribute[]): Reading[] {
  const all = names.reduce<Reading[]>(
    (readings, name) =>
      readings.flatMap((one) => ATTRIBUTE_VALUES[name].map((value) => ({ ...one, [name]: value }))),
    [reading],
  );
  // Several colours of a thing that is not there give one drawing.
  const seen = new Set([visibleKey(reading)]);
  return all.filter((one) => {
    const key = visibleKey(one);
    return !seen.has(key) && seen.add(key);
  });
}

function visibleKey(reading: Reading): string {
  const { look, scene } = parts(reading);
  return JSON.stringify([visibleLook(look), visibleScene(scene)]);
}

/** The reading as look and scene; the values come from the lists of both. */
function parts(reading: Reading): { look: Look; scene: ToyScene } {
  const of = (names: readonly ToyAttribute[]) =>
    Object.fromEntries(names.map((name) => [name, reading[name]]));
  return {
    look: of(LOOK_ATTRIBUTES) as unknown as Look,
    scene: of(SCENE_ATTRIBUTES) as unknown as ToyScene,
  };
}

async function drawingDifference(reading: Reading, target: RgbImage): Promise<number> {
  const { look, scene } = parts(reading);
  const { data } = await drawScene(look, scene, SIDE);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Math.abs(data[i]! - target.data[i]!);
  return sum / data.length;
}
