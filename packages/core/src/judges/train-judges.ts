import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selectBackend } from '@unicharacter/native';
import type { WeightStore } from '../model/weight-store.js';
import { KeyedRandom } from '../random/keyed-random.js';
import { ClipModel } from '../reward/towers/clip/clip-model.js';
import { loadClipConfig } from '../reward/towers/clip/config.js';
import { ClipTokenizer } from '../reward/towers/clip/tokenizer.js';
import { clipCard, readerCard } from './cards.js';
import { caption } from './clip/captions.js';
import { CLIP_SIDE, clipFiles, clipVocabulary } from './clip/nano-clip.js';
import { trainClip } from './clip/train-clip.js';
import type { LearnProgress } from './learn.js';
import { accuracyOf, clipRetrieval, readerAccuracy } from './measure.js';
import { AttributeReader, READER_FILE } from './reader/attribute-reader.js';
import { READER_SIDE } from './reader/network.js';
import { trainReader } from './reader/train-reader.js';
import type { JudgeRecipe } from './recipes.js';
import { blurredPictures, JUDGE_STREAM, type ToyPicture, toyPictures } from './toy-pictures.js';

export interface JudgeTrainingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((progress: LearnProgress) => void) | undefined;
}

/** Pictures that a reader is measured with; reading one takes about a second. */
const HELD_OUT = 120;
const RETRIEVAL: RetrievalTest = { heldOut: 1_500, among: 100 };
/** How a CLIP is measured: with so many pictures, each looked for among so many. */
export interface RetrievalTest {
  readonly heldOut: number;
  readonly among: number;
}

/**
 * Trains the attribute reader of evaluations and writes its folder: weights in bfloat16, and a card with its accuracy on
 * pictures of other characters.
 *
 * @returns mean accuracy over attributes on clean pictures
 */
export async function makeReader(
  folder: string,
  recipe: JudgeRecipe,
  options: JudgeTrainingOptions = {},
): Promise<number> {
  selectBackend('native');
  const started = performance.now();
  const pictures = await toyPictures(recipe.pictureSeed, recipe.pictures, READER_SIDE);
  const weights = await trainReader(pictures, { ...recipe, ...options });
  const minutes = (performance.now() - started) / 60_000;
  saveWeights(weights, folder);
  const reader = await AttributeReader.load(folder);
  try {
    const heldOut = await toyPictures(recipe.pictureSeed + 1, HELD_OUT, READER_SIDE);
    const clean = await readerAccuracy(reader, heldOut);
    const guessed = accuracyOf(reader.guess(heldOut.map(({ image }) => image)), heldOut);
    const blurred = await readerAccuracy(reader, heldOut, blurredPictures(heldOut));
    writeFileSync(
      join(folder, 'README.md'),
      readerCard({ recipe, minutes, clean, blurred, guessed, heldOut: HELD_OUT }),
    );
    return clean.mean;
  } finally {
    reader.dispose();
  }
}

/**
 * Trains the nano CLIP and writes its folder in the published layout, with a card.
 * @returns how often it finds the picture of a caption among others
 */
export async function makeClip(
  folder: string,
  recipe: JudgeRecipe,
  options: JudgeTrainingOptions = {},
  { heldOut, among }: RetrievalTest = RETRIEVAL,
): Promise<number> {
  selectBackend('native');
  const started = performance.now();
  const pictures = await toyPictures(recipe.pictureSeed, recipe.pictures, CLIP_SIDE);
  mkdirSync(folder, { recursive: true });
  const files = clipFiles(clipVocabulary(captionsOf(pictures, recipe.pictureSeed)));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = await loadClipConfig(folder);
  const tokenizer = await ClipTokenizer.load(folder, config.text.positions);
  const weights = await trainClip(config, tokenizer, pictures, { ...recipe, ...options });
  const minutes = (performance.now() - started) / 60_000;
  saveWeights(weights, folder);
  const clip = await ClipModel.load(folder);
  try {
    const unseen = await toyPictures(recipe.pictureSeed + 1, heldOut, CLIP_SIDE);
    const retrieval = clipRetrieval(clip, unseen, among, recipe.pictureSeed + 1);
    writeFileSync(join(folder, 'README.md'), clipCard({ recipe, minutes, retrieval, among, heldOut }));
    return retrieval;
  } finally {
    clip.dispose();
  }
}

function captionsOf(pictures: readonly ToyPicture[], seed: number): string[] {
  const words = new KeyedRandom(seed, JUDGE_STREAM.captions, [0]);
  return pictures.map((picture) => caption(picture, words));
}

/** Writes the weights as the reader of towers expects them and frees them. */
function saveWeights(weights: WeightStore, folder: string): void {
  mkdirSync(folder, { recursive: true });
  weights.save(join(folder, READER_FILE), 'BF16');
  weights.dispose();
}
