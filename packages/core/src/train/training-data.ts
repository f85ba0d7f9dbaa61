import { createHash } from 'node:crypto';
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
import { sizedTasks } from './sized-tasks.js';
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
  /** Decoded pictures in their own size, by id. */
  readonly pictures: ReadonlyMap<string, RgbImage>;
  /** Samples and pictures that are never trained on, to measure losses with. */
  readonly heldOut: HeldOutData;
  /** Samples made on the way, in place of `samples`. */
  readonly stream?: ((models: StreamModels) => SampleSource<EncodedTask>) | undefined;
  /** SHA-256 over samples and pixels: tells whether the data changed between two sessions of a run. */
  readonly fingerprint: string;
}

/**
 * Reads the data folder, builds the samples of the task mix and decodes every picture. Held out are the dialogues that the
 * folder itself sets aside, and `validation` or else the test split beside a RoleScape training folder.
 */
export async function readTrainingData(
  folder: string,
  mix: TaskMix,
  validation?: string,
): Promise<TrainingData> {
  const character = await readCharacter(folder);
  const samples = buildTasks(character, mix);
  const pictures = await decodeAll(character);
  const other = validation === undefined ? await readTestSplit(folder) : await readCharacter(validation);
  const heldOut = await heldOutData(character, other, mix);

  const hash = createHash('sha256');
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
  return { character, samples, pictures, heldOut, fingerprint: hash.digest('hex') };
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
export function vaePictures(data: TrainingData, config: ModelConfig): Map<string, RgbImage> {
  return new Map([...data.pictures].map(([id, image]) => [id, resizeTo(image, config.images.vae)]));
}

/** Samples, tokens and share of draws of each task, for the user. */
export function summariseData(
  { character, samples, pictures }: TrainingData,
  mix: TaskMix,
  tokenizer: Tokenizer,
  config: ModelConfig,
): DataSummary {
  const sized = sizedTasks(samples, pictures, tokenizer, config);
  const tasks = mixShares([...samples], mix).map(({ task, samples: count, share }) => ({
    task,
    samples: count,
    tokens: sized
      .filter((sample) => sample.task === task)
      .reduce((sum, sample) => sum + sampleTokens(sample), 0),
    share,
  }));
  return { character: character.name, images: pictures.size, tasks };
}
