import { createHash } from 'node:crypto';
import type { TrainConfig } from '../config/index.js';
import { type Character, emptyHeldOut } from '../data/character.js';
import { pretrainingCharacters, type ToyCharacter } from '../data/toy-world/index.js';
import type { RgbImage } from '../image/index.js';
import { type TrainHooks, type TrainSummary, trainOn } from '../train/train-character.js';
import { type HeldOutData, once, type TrainingData } from '../train/training-data.js';
import { drawnSample, ToyStream } from './toy-stream.js';

/** Pictures that the autoencoder learns from, at most: more than it can learn by heart. */
const VAE_PICTURES = 3000;
const HELD_OUT_SAMPLES = 48;
/** Characters whose pictures are drawn to watch the training. */
const WATCHED = 8;

/** Worlds other than the one that is trained on, by what is added to its seed. */
const WORLD = { heldOut: 1, watched: 2 } as const;

/**
 * Pre-trains a base model: Unified-SFT from random weights (or those of `config.base`) on an endless stream of random
 * characters of the toy world, none of them of ToyScape-20, after the autoencoder. Everything else is that of
 * `trainCharacter`: run folder, events, checkpoints, resuming with the same numbers.
 *
 * @param config `data` names the stream in messages and is not read; `sft.mix` says how often each task is drawn
 */
export async function pretrain(config: TrainConfig, hooks: TrainHooks = {}): Promise<TrainSummary> {
  return trainOn(await worldData(config), trainingWhole(config), hooks);
}

/** Pre-training goes on with every weight of a base; an adapter, which `auto` would train there, holds too little of a world. */
function trainingWhole(config: TrainConfig): TrainConfig {
  const { sft } = config;
  if (sft.train.mode !== 'auto') return config;
  return { ...config, sft: { ...sft, train: { ...sft.train, mode: 'full' } } };
}

/** The stream of a world and what belongs to it. */
export async function worldData(config: TrainConfig): Promise<TrainingData> {
  const world = { seed: config.seed, size: config.image.size, mix: config.sft.mix };
  const key = JSON.stringify({ world: 'toy-world', ...world });
  return {
    character: watchedCharacter(config),
    samples: [],
    stream: (models) => new ToyStream(world, models),
    // Drawing them takes minutes, and only a run whose autoencoder is not trained yet looks at them.
    pictures: once(() => vaePictures(world, Math.min(VAE_PICTURES, config.vae.steps * config.vae.batchSize))),
    heldOut: await heldOut({ ...world, seed: world.seed + WORLD.heldOut }),
    fingerprint: createHash('sha256').update(key).digest('hex'),
  };
}

async function vaePictures(
  world: { seed: number; size: number },
  count: number,
): Promise<Map<string, RgbImage>> {
  const pictures = new Map<string, RgbImage>();
  for (let index = 0; pictures.size < count; index++) {
    const drawn = await drawnSample({ ...world, mix: { vqa: 1 } }, index);
    for (const [id, picture] of drawn?.pictures ?? []) pictures.set(id, picture);
  }
  return pictures;
}

async function heldOut(world: Parameters<typeof drawnSample>[0]): Promise<HeldOutData> {
  const samples: HeldOutData['samples'][number][] = [];
  const pictures = new Map<string, RgbImage>();
  for (let index = 0; samples.length < HELD_OUT_SAMPLES; index++) {
    const drawn = await drawnSample(world, index);
    if (!drawn) continue;
    samples.push(drawn.sample);
    for (const [id, picture] of drawn.pictures) pictures.set(id, picture);
  }
  return { samples, pictures };
}

/** A character that is never trained on, with prompts about others like it: who speaks and draws in the samples. */
function watchedCharacter({ seed, data }: TrainConfig): Character {
  const others: ToyCharacter[] = [];
  for (const character of pretrainingCharacters(seed + WORLD.watched)) {
    others.push(character);
    if (others.length === WATCHED) break;
  }
  const [{ persona, description, heldOutDialogues }] = others as [ToyCharacter];
  return {
    name: persona.name,
    description,
    opening: '',
    images: [],
    dialogues: [...heldOutDialogues],
    scenes: [],
    vqa: [],
    knowledge: [],
    t2i: others.map(({ train }, index) => ({
      imageId: String(index),
      instruction: train[0]!.words.instruction,
    })),
    heldOut: emptyHeldOut(),
    source: data,
  };
}
