import { randomNormal, tf } from '@unicharacter/native';
import type { RgbImage } from '../image/index.js';
import {
  emptyContext,
  type FlowVae,
  feedLatents,
  feedPatches,
  feedTokens,
  imageLatents,
  imagePatches,
  type KvContext,
  type LatentGrid,
  latentsToTokens,
  type ModelConfig,
  resizeTo,
  type UnifiedModel,
} from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { type CompatibilitySetting, compatibility } from './compatibility.js';
import type { GuidanceContexts } from './flow-sampler.js';
import type { Scheduler } from './scheduler.js';

/** What generation needs: the model, its autoencoder and its tokenizer. */
export interface GenerationModels {
  readonly model: UnifiedModel;
  readonly vae: FlowVae;
  readonly tokenizer: Tokenizer;
  /** Shares the model between requests that run at the same time; without one each request runs by itself. */
  readonly scheduler?: Scheduler;
}

/** A piece of a request, in the order in which the model reads it. */
export type RequestItem =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly image: RgbImage };

export interface ReadOptions {
  /** `answer`: images are read by the vision tower only. `draw`: also as latents, before the patches (spec 4.2). */
  readonly purpose: 'answer' | 'draw';
  /** A prompt that precedes everything, for think mode; the context without text keeps it (spec 5.2). */
  readonly system?: string;
  readonly compat?: CompatibilitySetting;
  /** Of the random draws of `compat.randomPosterior`. */
  readonly seed?: number;
  /** Standard normal draw [1, h, w, channels] for the latents of each image, in order, in place of a seeded one. */
  readonly posteriorNoise?: readonly tf.Tensor4D[];
}

/** Ids of a text item: begin marker, text, end marker (spec 4.2). */
export function textItemIds(tokenizer: Tokenizer, text: string): number[] {
  return [tokenizer.special.bos, ...tokenizer.encode(text), tokenizer.special.eos];
}

/** Reads a text item into a context. */
export function readText({ model, tokenizer }: GenerationModels, context: KvContext, text: string): void {
  feedTokens(model, context, textItemIds(tokenizer, text)).dispose();
}

/** The contexts of a request. The caller disposes all three with `disposeContexts`. */
export interface RequestContexts extends GuidanceContexts {
  /** Size of the last image after the VAE resize: the size of an edited picture. */
  readonly imageSize: { readonly width: number; readonly height: number } | null;
}

export function disposeContexts({ main, withoutText, withoutImages }: GuidanceContexts): void {
  for (const context of [main, withoutText, withoutImages]) context.dispose();
}

/** A context that has read one text item, and shares what it can with earlier ones of the scheduler. */
function startWithText(models: GenerationModels, text: string): KvContext {
  const { model, tokenizer, scheduler } = models;
  if (scheduler) return scheduler.read(textItemIds(tokenizer, text));
  const context = emptyContext(model);
  try {
    readText(models, context, text);
    return context;
  } catch (error) {
    context.dispose();
    throw error;
  }
}

/**
 * Reads a request into three contexts (spec 5.2): everything; everything before the last text; all text but no images.
 * Without images and system prompt the second is empty: no tokens, position 0; without images the third is the first.
 */
export function readRequest(
  models: GenerationModels,
  items: readonly RequestItem[],
  options: ReadOptions,
): RequestContexts {
  const [first] = items;
  const start = options.system ?? (first?.kind === 'text' ? first.text : undefined);
  const main =
    start === undefined
      ? (models.scheduler?.emptyContext() ?? emptyContext(models.model))
      : startWithText(models, start);
  let withoutText = main.forkEmpty();
  let withoutImages: KvContext | null = null;
  let imageSize: RequestContexts['imageSize'] = null;
  let images = 0;
  const split = () => {
    withoutText.dispose();
    withoutText = main.fork();
  };
  try {
    const rest = start !== undefined && options.system === undefined ? items.slice(1) : items;
    for (const item of rest) {
      if (item.kind === 'text') {
        split();
        readText(models, main, item.text);
        if (withoutImages) readText(models, withoutImages, item.text);
      } else {
        withoutImages ??= main.fork();
        imageSize = readImage(models, main, item.image, options, images++);
        split();
      }
    }
    withoutImages ??= main.fork();
  } catch (error) {
    for (const context of [main, withoutText, withoutImages]) context?.dispose();
    throw error;
  }
  return { main, withoutText, withoutImages, imageSize };
}

/**
 * Reads a picture into a context: as latents when something is to be drawn, then as patches (spec 4.2). Answers its size
 * after the VAE resize.
 */
function readImage(
  { model, vae, tokenizer }: GenerationModels,
  context: KvContext,
  original: RgbImage,
  options: ReadOptions,
  index: number,
): { width: number; height: number } {
  const { config } = model;
  const compat = compatibility(options.compat);
  const fit = compat.areaRatio ? 'reference' : 'default';
  const image = resizeTo(original, config.images.vae, 1, fit);
  if (options.purpose === 'draw') {
    tf.tidy(() => {
      const grid = imageLatents(image, vae, config);
      const noise = posteriorNoise(grid, options, config, index);
      const drawn = noise ? tf.add(grid.means, tf.mul(grid.deviations, noise)) : grid.means;
      feedLatents(model, context, drawn as tf.Tensor2D, grid.rows, grid.columns, tokenizer.special);
    });
  }
  // By its own rule the tower sees a picture as it did in training (spec 3.2).
  const seen = compat.doubleResize
    ? resizeTo(image, config.images.vitInference, 1, fit)
    : resizeTo(original, config.images.vitTraining, 1, fit);
  feedPatches(model, context, imagePatches(seen, config), tokenizer.special);
  return { width: image.width, height: image.height };
}

/** Random stream of posterior draws. */
const POSTERIOR_STREAM = 0x9057e;

/** Standard normal noise in token layout for the latents of a picture; null when their mean is read. */
function posteriorNoise(
  { means }: LatentGrid,
  { compat, seed = 0, posteriorNoise: given }: ReadOptions,
  { latent }: ModelConfig,
  index: number,
): tf.Tensor2D | null {
  const own = given?.[index];
  if (own) return latentsToTokens(own, latent.patch);
  if (!compatibility(compat).randomPosterior) return null;
  return randomNormal(means.shape, { seed, stream: POSTERIOR_STREAM, counter: index }) as tf.Tensor2D;
}
