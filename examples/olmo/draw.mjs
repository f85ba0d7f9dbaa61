/**
 * Draws all pictures of Olmo: `node examples/olmo/draw.mjs [folder]` writes `train/Olmo/<k>.png` and `test/Olmo/<k>.png`.
 *
 * The picture list is the ground truth of the data beside it: place, time, weather, pose, face and view of every image.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { axolotl, axolotlHead } from './draw/axolotl.mjs';
import { PLACES } from './draw/places.mjs';
import { book, cup, flute, leafUmbrella, letter, note } from './draw/things.mjs';

const SIZE = 256;

/** `at`: x, y of the middle of the head, and the size of Olmo (1 = he fills about two thirds of the height). */
const train = [
  {
    place: 'house',
    time: 'morning',
    weather: 'clear',
    look: { arms: 'wave', face: 'happy' },
    at: [84, 122, 0.86],
  },
  {
    place: 'meadow',
    time: 'day',
    weather: 'clear',
    look: { arms: 'hold', legs: 'walk', held: letter(56, 54, -12), tilt: -4, scarf: 24 },
    at: [116, 102, 1.03],
  },
  {
    place: 'pond',
    time: 'day',
    weather: 'rain',
    look: { arms: 'hold', behind: leafUmbrella(50, 60), face: 'happy' },
    at: [128, 122, 0.9],
  },
  {
    place: 'hill',
    time: 'night',
    weather: 'clear',
    look: { legs: 'sit', face: 'calm', tilt: -8 },
    at: [122, 104, 0.82],
  },
  {
    place: 'kitchen',
    time: 'day',
    weather: 'clear',
    look: { arms: 'front', face: 'calm', held: cup(0, 78) },
    at: [134, 104, 1.12],
  },
  { place: 'meadow', time: 'day', weather: 'clear', look: { face: 'laughing' }, at: [128, 126, 1.75] },
  {
    place: 'snowfield',
    time: 'day',
    weather: 'snow',
    look: { arms: 'wide', face: 'surprised' },
    at: [128, 102, 1.02],
  },
  {
    place: 'boat',
    time: 'sunset',
    weather: 'clear',
    look: { arms: 'down', face: 'happy' },
    at: [128, 120, 0.85],
  },
  {
    place: 'autumn',
    time: 'day',
    weather: 'clear',
    look: { arms: 'up', legs: 'jump', face: 'laughing', scarf: 34 },
    at: [128, 88, 0.98],
  },
  { place: 'bedroom', time: 'night', weather: 'clear', look: 'head', face: 'asleep', at: [128, 130, 0.98] },
  {
    place: 'library',
    time: 'day',
    weather: 'clear',
    look: { arms: 'front', legs: 'sit', face: 'thinking', held: book(0, 82), tilt: 5 },
    at: [128, 118, 1.05],
  },
  {
    place: 'grove',
    time: 'dusk',
    weather: 'clear',
    look: { arms: 'flute', face: 'calm', held: flute },
    at: [132, 108, 1.0],
    extra: note(206, 84) + note(52, 70) + note(226, 116),
  },
];

/** New combinations of what the training pictures show one by one. */
const test = [
  {
    place: 'snowfield',
    time: 'night',
    weather: 'clear',
    look: { arms: 'wave', face: 'happy' },
    at: [124, 106, 1.0],
  },
  {
    place: 'boat',
    time: 'day',
    weather: 'rain',
    look: { arms: 'hold', face: 'surprised', behind: leafUmbrella(50, 60) },
    at: [128, 126, 0.82],
  },
  {
    place: 'autumn',
    time: 'sunset',
    weather: 'clear',
    look: { arms: 'front', legs: 'sit', face: 'thinking', held: book(0, 82) },
    at: [128, 104, 1.0],
  },
];

function svgOf({ place, time, weather, look, face, at: [x, y, size], extra = '' }) {
  const { back, front } = PLACES[place]({ time, weather });
  const olmo = look === 'head' ? axolotlHead(face) : axolotl(look);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}" viewBox="0 0 256 256">` +
    `${back}<g transform="translate(${x} ${y}) scale(${size})">${olmo}</g>${extra}${front}</svg>`
  );
}

const target = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
for (const [split, pictures] of Object.entries({ train, test })) {
  const folder = join(target, split, 'Olmo');
  await mkdir(folder, { recursive: true });
  for (const [k, picture] of pictures.entries()) {
    const png = await sharp(Buffer.from(svgOf(picture)))
      .removeAlpha()
      .png({ compressionLevel: 9 })
      .toBuffer();
    await writeFile(join(folder, `${k}.png`), png);
  }
  console.log(`${pictures.length} pictures in ${folder}`);
}
