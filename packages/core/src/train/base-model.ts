import { copyFileSync, existsSync, mkdirSync, constants as modes, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadModelConfig, MODEL_CONFIG_FILES, type ModelConfig } from '../model/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import { writeFailure } from '../run/run-error.js';
import { type RunFolder, VAE_FILE } from '../run/run-folder.js';
import { baseWeights } from '../run/run-model.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/index.js';
import { TrainError } from './train-error.js';

/** What training starts from: a folder with model and tokenizer JSON files, and weights where they exist. */
export interface BaseModel {
  readonly folder: string;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** Weights of the unified model; absent when training starts from random weights. */
  readonly weights?: string;
  /** Weights of a trained autoencoder; absent when it has to be trained first. */
  readonly vae?: string;
}

const TOKENIZER_FILES = ['tokenizer.json', 'vocab.json', 'merges.txt', 'tokenizer_config.json'] as const;
const UNIFIED_CONFIG = 'unified_config.json';

/** Opens a base model folder. @throws TrainError when there is no such folder; other errors name file and field. */
export function openBaseModel(folder: string): BaseModel {
  if (!existsSync(folder)) {
    throw new TrainError(
      `${folder}: expected the folder of a base model (llm_config.json, tokenizer.json …), found nothing`,
    );
  }
  const config = loadModelConfig(folder);
  const tokenizer = loadTokenizer(folder);
  if (tokenizer.size > config.llm.vocabSize) {
    throw new TrainError(
      `${folder}: the tokenizer has ${tokenizer.size} entries, llm_config.json has a vocab_size of ` +
        `${config.llm.vocabSize}; they do not belong together`,
    );
  }
  const weights = baseWeights(folder);
  const vae = join(folder, VAE_FILE);
  return {
    folder,
    config,
    tokenizer,
    ...(weights ? { weights } : {}),
    ...(existsSync(vae) ? { vae } : {}),
  };
}

/**
 * Writes the JSON files of model and tokenizer into the run, so that it can be opened by itself, with the picture size of
 * this run in `unified_config.json`.
 * @param size longest side of training pictures, and the side of a drawn picture unless a request says otherwise
 */
export function copyBaseFiles(base: BaseModel, run: RunFolder, size: number): void {
  copyBaseFilesTo(base.folder, run.root);
  const { maxSize: max, minSize: min, stride, maxPixels } = configForSize(base, size).images.vae;
  changeUnifiedConfig(run, {
    vae_transform: { max, min, stride, max_pixels: maxPixels },
    default_image_size: [size, size],
  });
}

/** The configuration that a run with pictures of this size gets from its base, see `copyBaseFiles`. */
export function configForSize({ config }: Pick<BaseModel, 'config'>, size: number): ModelConfig {
  const { vae } = config.images;
  const rule = { ...vae, maxSize: size, minSize: Math.min(vae.minSize, size) };
  return { ...config, images: { ...config.images, vae: rule, defaultSize: { width: size, height: size } } };
}

/** Copies the JSON files of model and tokenizer from one folder to another. */
export function copyBaseFilesTo(from: string, to: string): void {
  for (const name of [...MODEL_CONFIG_FILES, ...TOKENIZER_FILES]) {
    const source = join(from, name);
    if (existsSync(source)) copyInto(source, join(to, name));
  }
}

/** The model configuration of a run. @throws ModelConfigError naming file and field */
export function runModelConfig(run: RunFolder): ModelConfig {
  return loadModelConfig(run.root);
}

/** Copies a file, sharing the disk blocks where the file system can. @throws RunError when it cannot be written. */
export function copyInto(source: string, target: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target, modes.COPYFILE_FICLONE);
  } catch (error) {
    throw writeFailure(basename(source), target, error);
  }
}

/** Writes how latents are scaled into the run's model configuration: the model sees (z − shift) · scale (spec 2.12). */
export function setLatentScale(run: RunFolder, shift: number, scale: number): void {
  const { vae } = unifiedConfig(run);
  changeUnifiedConfig(run, {
    vae: { ...(vae as object | undefined), shift_factor: shift, scale_factor: scale },
  });
}

function unifiedConfig(run: RunFolder): Record<string, unknown> {
  const path = join(run.root, UNIFIED_CONFIG);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
}

function changeUnifiedConfig(run: RunFolder, change: Record<string, unknown>): void {
  const changed = { ...unifiedConfig(run), ...change };
  writeFileAtomic(join(run.root, UNIFIED_CONFIG), `${JSON.stringify(changed, null, 2)}\n`);
}
