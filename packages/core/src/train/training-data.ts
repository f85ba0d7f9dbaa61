import { createHash, type Hash } from 'node:crypto';
import type { TrainConfig } from '../config/index.js';
import {
  buildTasks,
  type Character,
  mixShares,
  readCharacter,
  readTestSplit,
  type TaskMix,
  type TaskSample,
} from '../data/index.js';
import { decodeImage, type RgbImage } from '../image/index.js';
import { type FlowVae, type ModelConfig, resizeTo, sampleTokens } from '../model/index.js';
import type { DataSummary } from '../run/train-event.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { SampleSource } from './pack-sampler.js';
import { mixWithPrior, PRIOR } from './prior.js';
import { sizedTasks } from './sized-tasks.js';
import { withSomePictures } from './some-pictures.js';
import type { EncodedTask } from './task-encoder.js';

/** What turns samples into the model's units while training goes on. */
export interface StreamModels {
  readonly tokenizer: Tokenizer;
  readonly vae: FlowVae;
  readonly config: ModelConfig;
}

/** Held-out samples and their decoded pictures by id. */
export interface HeldOutData {
  readonly samples: readonly TaskSample[];
  readonly pictures: ReadonlyMap<string, RgbImage>;
}

/** A character with its samples and decoded pictures, before anything is encoded. */
export interface TrainingData {
  readonly character: Character;
  readonly samples: readonly TaskSample[];
  /** Decoded pictures in their own size, by id. Made when first asked for, once. */
  readonly pictures: () => Promise<ReadonlyMap<string, RgbImage>>;
  /** Samples and pictures that are never trained on, to measure losses with. */
  readonly heldOut: HeldOutData;
  /** General samples that are mixed in, so that what the base can do is not forgotten; none unless configured. */
  readonly prior?: HeldOutData | undefined;
  /** Samples made on the way, in place of `samples`. */
  readonly stream?: ((models: StreamModels) => SampleSource<EncodedTask>) | undefined;
  /** SHA-256 over samples and pixels: tells whether the data changed between two sessions of a run. */
  readonly fingerprint: string;
}

/**
 * Reads the data folder, builds the samples of the task mix and decodes every picture. Held out are the dialogues that the
 * folder itself sets aside, and the validation data or else the test split beside a RoleScape training folder.
 */
export async function readTrainingData({
  data: folder,
  seed,
  image: { most },
  sft: { mix, prior: general },
  validation: { data: validation },
}: Pick<TrainConfig, 'data' | 'seed' | 'image' | 'sft' | 'validation'>): Promise<TrainingData> {
  const character = withSomePictures(await readCharacter(folder), most, seed);
  const samples = buildTasks(character, mix);
  const pictures = await decodeAll(character);
  const other = validation === undefined ? await readTestSplit(folder) : await readCharacter(validation);
  const heldOut = await heldOutData(character, other, mix);

  const prior = general.data === undefined ? undefined : await generalData(general.data, mix);
  const hash = createHash('sha256');
  for (const part of [{ samples, pictures }, ...(prior ? [prior] : [])]) addTo(hash, part);
  return {
    character,
    samples,
    pictures: async () => pictures,
    heldOut,
    ...(prior ? { prior } : {}),
    fingerprint: hash.digest('hex'),
  };
}

/** The samples of a general folder for the tasks of the mix. @throws DataError when it has none */
async function generalData(folder: string, mix: TaskMix): Promise<HeldOutData> {
  const character = await readCharacter(folder);
  return { samples: buildTasks(character, mix), pictures: await decodeAll(character) };
}

function addTo(hash: Hash, { samples, pictures }: HeldOutData): void {
  for (const { id, items } of samples) {
    hash.update(
      JSON.stringify([
        id,
        items.map((item) => (item.kind === 'text' ? item : { ...item, image: item.image.id })),
      ]),
    );
  }
  for (const [id, { width, height, data }] of pictures) {
    hash.update(JSON.stringify([id, width, height]));
    hash.update(data);
  }
}

/** A value that is made when it is first asked for, and only once. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function decodeAll({ images }: Character): Promise<Map<string, RgbImage>> {
  const pictures = new Map<string, RgbImage>();
  for (const { id, path } of images) pictures.set(id, await decodeImage(path));
  return pictures;
}

async function heldOutData(
  character: Character,
  other: Character | undefined,
  mix: TaskMix,
): Promise<HeldOutData> {
  const { dialogues } = character.heldOut;
  const asides = { ...character, dialogues, scenes: [], vqa: [], knowledge: [], t2i: [] };
  const written = dialogues.length > 0 ? buildTasks(asides, { dialogue: 1 }) : [];
  if (!other) return { samples: written, pictures: new Map() };
  // The test split repeats none of the character's description; its prompts need it.
  const { name, description, opening } = character;
  const samples = buildTasks({ ...other, name, description, opening }, mix);
  return { samples: [...written, ...samples], pictures: await decodeAll(other) };
}

/** Pictures in the size in which the autoencoder sees them. */
export async function vaePictures(data: TrainingData, config: ModelConfig): Promise<Map<string, RgbImage>> {
  const pictures = await data.pictures();
  return new Map([...pictures].map(([id, image]) => [id, resizeTo(image, config.images.vae)]));
}

/** How often each task is drawn, general data included. */
export function drawnMix(
  { samples, prior }: Pick<TrainingData, 'samples' | 'prior'>,
  { mix, prior: { share } }: Pick<TrainConfig['sft'], 'mix' | 'prior'>,
): Record<string, number> {
  return prior ? mixWithPrior(samples, mix, share) : { ...mix };
}

/** Samples, tokens and share of draws of each task, for the user. */
export async function summariseData(
  { character, samples, pictures: all, prior }: TrainingData,
  { mix, prior: { share } }: Pick<TrainConfig['sft'], 'mix' | 'prior'>,
  tokenizer: Tokenizer,
  config: ModelConfig,
): Promise<DataSummary> {
  // A stream shows no samples before the start, and its pictures are costly to draw.
  const pictures = samples.length > 0 ? await all() : new Map<string, RgbImage>();
  const sized = sizedTasks(samples, pictures, tokenizer, config);
  const tokensOf = (part: readonly EncodedTask[]) =>
    part.reduce((sum, sample) => sum + sampleTokens(sample), 0);
  const tasks = mixShares([...samples], mix).map(({ task, samples: count, share: own }) => ({
    task: task as string,
    samples: count,
    tokens: tokensOf(sized.filter((sample) => sample.task === task)),
    share: prior ? own * (1 - share) : own,
  }));
  if (prior) {
    const general = sizedTasks(prior.samples, prior.pictures, tokenizer, config);
    tasks.push({ task: PRIOR, samples: general.length, tokens: tokensOf(general), share });
  }
  return { character: character.name, images: pictures.size, tasks };
}
