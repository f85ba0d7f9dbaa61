import type { RgbImage } from '../image/index.js';
import { type CompatibilitySetting, compatibility } from './compatibility.js';
import {
  disposeContexts,
  type GenerationModels,
  type ReadOptions,
  type RequestItem,
  readRequest,
  readText,
} from './contexts.js';
import { EDITING, generateImage, type ImageOptions } from './generate-image.js';
import { Scheduler } from './scheduler.js';
import type { GeneratedText, TextOptions } from './text-row.js';

/** What all requests may say beside how words or pictures are made. */
export interface RequestOptions {
  readonly compat?: CompatibilitySetting;
}

/** Lets the model answer a request in words. With `system` it is asked to think first (think mode, spec 5.2). */
export async function answer(
  models: GenerationModels,
  items: readonly RequestItem[],
  options: TextOptions & RequestOptions & { readonly system?: string },
): Promise<GeneratedText> {
  const { scheduler = new Scheduler(models) } = models;
  await scheduler.turn('reading', options.signal);
  const contexts = readRequest(
    { ...models, scheduler },
    items,
    readOptions('answer', options.system, options),
  );
  const { unusedIds } = compatibility(options.compat);
  try {
    return await scheduler.write(contexts.main, { unusedIds, ...options });
  } finally {
    disposeContexts(contexts);
  }
}

/** What visual question answering reads: the image, then the question (spec 4.2). */
export function questionAbout(image: RgbImage, question: string): RequestItem[] {
  return [
    { kind: 'image', image },
    { kind: 'text', text: question },
  ];
}

/** A drawn picture and, in think mode, the thought that preceded it. */
export interface Drawing {
  readonly image: RgbImage;
  readonly thought: string | null;
}

/** Think mode of a drawing: the system prompt that asks for a thought, and how the thought is decoded. */
export interface ThinkOptions {
  readonly system: string;
  readonly text: TextOptions;
}

/**
 * Draws a picture for a request (spec 5.2). With images in the request the result has the size of the last one and the
 * sampling of editing unless the options say otherwise. The thought is read by the main context only.
 */
export async function draw(
  models: GenerationModels,
  items: readonly RequestItem[],
  options: ImageOptions & RequestOptions & { readonly think?: ThinkOptions } = {},
): Promise<Drawing> {
  const { think } = options;
  const scheduler = models.scheduler ?? new Scheduler(models);
  const shared = { ...models, scheduler };
  await scheduler.turn('reading', options.signal);
  const contexts = readRequest(shared, items, readOptions('draw', think?.system, options));
  try {
    const thought = think ? await thinkFirst(shared, contexts, think.text) : null;
    const edited = contexts.imageSize && { ...contexts.imageSize, guidance: EDITING.guidance };
    return { image: await generateImage(shared, contexts, { ...edited, ...options }), thought };
  } finally {
    disposeContexts(contexts);
  }
}

/** Decodes a thought on a fork of the main context, then reads it as a text item, markers and all. */
async function thinkFirst(
  models: GenerationModels & { readonly scheduler: Scheduler },
  { main }: ReturnType<typeof readRequest>,
  options: TextOptions,
): Promise<string> {
  const scratch = main.fork();
  try {
    const { text } = await models.scheduler.write(scratch, options);
    await models.scheduler.turn('reading', options.signal);
    readText(models, main, text);
    return text;
  } finally {
    scratch.dispose();
  }
}

function readOptions(
  purpose: ReadOptions['purpose'],
  system: string | undefined,
  { compat, seed }: RequestOptions & { readonly seed?: number },
): ReadOptions {
  return {
    purpose,
    ...(system === undefined ? {} : { system }),
    ...(compat === undefined ? {} : { compat }),
    ...(seed === undefined ? {} : { seed }),
  };
}
