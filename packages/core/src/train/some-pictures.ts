import type { Character } from '../data/index.js';
import { KeyedRandom, streams } from '../random/keyed-random.js';

/**
 * The character with some of its pictures: the first `most` of an order that the seed draws, so that with one seed fewer
 * pictures are always among more. What is said about the other pictures is left out; dialogues and knowledge stay.
 *
 * @param most 0 takes all
 */
export function withSomePictures(character: Character, most: number, seed: number): Character {
  const { images, scenes, vqa, t2i, heldOut } = character;
  if (most === 0 || images.length <= most) return character;
  const order = new KeyedRandom(seed, streams.trainingPictures, [0]).permutation(images.length);
  const kept = new Set(order.slice(0, most).map((place) => images[place]!.id));
  const about = <T extends { imageId?: string }>(rows: readonly T[]) =>
    rows.filter(({ imageId }) => imageId === undefined || kept.has(imageId));
  return {
    ...character,
    images: images.filter(({ id }) => kept.has(id)),
    scenes: about(scenes),
    vqa: about(vqa),
    t2i: about(t2i),
    heldOut: { ...heldOut, sceneChoices: about(heldOut.sceneChoices) },
  };
}
