import {
  drawScene,
  isReservedLook,
  type Look,
  randomLook,
  randomScene,
  type ToyScene,
  visibleLook,
  visibleScene,
} from '../data/toy-world/index.js';
import { type RgbImage, resizeBicubic } from '../image/index.js';
import { KeyedRandom } from '../random/keyed-random.js';
import { type SeenAttributes, seenAttributes } from './attributes-seen.js';

/** Random streams of the judges' data; part of the identity of what they learn from. */
export const JUDGE_STREAM = { looks: 301, scenes: 302, batch: 303, augment: 304, captions: 305 } as const;

/** A picture of the toy world and what it shows. */
export interface ToyPicture {
  readonly look: Look;
  readonly scene: ToyScene;
  readonly image: RgbImage;
}

/** The attributes that a picture shows. */
export const shownIn = ({ look, scene }: Pick<ToyPicture, 'look' | 'scene'>): SeenAttributes =>
  seenAttributes(visibleLook(look), visibleScene(scene));

/** Pictures drawn at once. */
const AT_ONCE = 16;

/**
 * Pictures of as many random characters, one scene each; no look of ToyScape-20 is among them. The same arguments give the
 * same pictures.
 *
 * @param size side in pixels
 * @param onPicture called with the number of pictures drawn so far
 */
export async function toyPictures(
  seed: number,
  count: number,
  size: number,
  onPicture: (done: number) => void = () => {},
): Promise<ToyPicture[]> {
  const pictures: ToyPicture[] = [];
  while (pictures.length < count) {
    const numbers = Array.from(
      { length: Math.min(AT_ONCE, count - pictures.length) },
      (_, i) => pictures.length + i,
    );
    const drawn = numbers.map(async (number): Promise<ToyPicture> => {
      const look = unreservedLook(new KeyedRandom(seed, JUDGE_STREAM.looks, [number]));
      const scene = randomScene(new KeyedRandom(seed, JUDGE_STREAM.scenes, [number]));
      return { look, scene, image: await drawScene(look, scene, size) };
    });
    pictures.push(...(await Promise.all(drawn)));
    onPicture(pictures.length);
  }
  return pictures;
}

function unreservedLook(random: KeyedRandom): Look {
  for (;;) {
    const look = randomLook(random);
    if (!isReservedLook(look)) return look;
  }
}

/** Side to which pictures are shrunk to measure a judge on blurred ones. */
const BLURRED_SIDE = 64;

/** The pictures as a weak autoencoder would give them back: shrunk and enlarged again. */
export function blurredPictures(pictures: readonly ToyPicture[]): RgbImage[] {
  return pictures.map(({ image }) =>
    resizeBicubic(resizeBicubic(image, BLURRED_SIDE, BLURRED_SIDE), image.width, image.height),
  );
}
