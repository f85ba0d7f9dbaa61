import type { ToyAttribute } from '../data/toy-world/index.js';
import type { RgbImage } from '../image/index.js';
import { KeyedRandom } from '../random/keyed-random.js';
import { clipFeatures } from '../reward/index.js';
import { dot } from '../reward/tensor-rows.js';
import type { ClipModel } from '../reward/towers/clip/clip-model.js';
import { clipTextRows } from '../reward/towers/clip/text-rows.js';
import { TOY_ATTRIBUTES } from './attributes-seen.js';
import { caption } from './clip/captions.js';
import type { AttributeReader } from './reader/attribute-reader.js';
import type { Reading } from './reader/fit-drawing.js';
import { JUDGE_STREAM, shownIn, type ToyPicture } from './toy-pictures.js';

export interface ReaderAccuracy {
  /** Share of right readings among the pictures that show the attribute. */
  readonly attributes: Readonly<Record<ToyAttribute, number>>;
  /** Mean over attributes. */
  readonly mean: number;
}

/** How often a reader is right about pictures. @param images what it sees instead of them, for example blurred ones */
export async function readerAccuracy(
  reader: AttributeReader,
  pictures: readonly ToyPicture[],
  images: readonly RgbImage[] = pictures.map(({ image }) => image),
): Promise<ReaderAccuracy> {
  return accuracyOf(await reader.read(images), pictures);
}

/** How often readings are right about the pictures they are of. */
export function accuracyOf(readings: readonly Reading[], pictures: readonly ToyPicture[]): ReaderAccuracy {
  const entries = TOY_ATTRIBUTES.map((name) => {
    const judged = pictures.flatMap((picture, i) => {
      const truth = shownIn(picture)[name];
      return truth === undefined ? [] : [Number(readings[i]![name] === truth)];
    });
    return [name, judged.reduce((sum, right) => sum + right, 0) / judged.length] as const;
  });
  return {
    attributes: Object.fromEntries(entries) as Record<ToyAttribute, number>,
    mean: entries.reduce((sum, [, share]) => sum + share, 0) / entries.length,
  };
}

/**
 * How often CLIP finds the picture of a caption among `among` pictures, averaged over all of them.
 *
 * @param pictures a multiple of `among`
 */
export function clipRetrieval(
  clip: ClipModel,
  pictures: readonly ToyPicture[],
  among: number,
  seed: number,
): number {
  const random = new KeyedRandom(seed, JUDGE_STREAM.captions, [0]);
  const told = clipTextRows(
    clip,
    pictures.map((picture) => caption(picture, random)),
  );
  const shown = clipFeatures(clip).embed(pictures.map(({ image }) => image));
  const right = told.filter((text, i) => {
    const start = i - (i % among);
    const scores = shown.slice(start, start + among).map((picture) => dot(text, picture));
    return scores.indexOf(Math.max(...scores)) === i - start;
  });
  return right.length / told.length;
}
