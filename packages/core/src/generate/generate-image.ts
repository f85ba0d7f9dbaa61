import { randomNormal, tf } from '@unicharacter/native';
import { fromPixels, type RgbImage } from '../image/index.js';
import { type FlowVae, type ModelConfig, tokensToLatents, VelocityField } from '../model/index.js';
import type { GenerationModels } from './contexts.js';
import { type GuidanceContexts, sampleFlow, timeGrid } from './flow-sampler.js';
import type { Guidance } from './guidance.js';
import { nextTurn } from './turns.js';

/** How a picture is drawn (spec 5.5). */
export interface ImageOptions {
  /** Pixels; rounded down to whole latent tokens. The model's default size when absent. */
  readonly width?: number;
  readonly height?: number;
  /** Points of the time grid; one fewer network steps. */
  readonly steps?: number;
  /** Shift of the time grid; more than 1 spends more steps near noise. */
  readonly shift?: number;
  readonly guidance?: Partial<Guidance>;
  readonly seed?: number;
  /** Called after each step with the number of finished steps. */
  readonly onStep?: (done: number, steps: number) => void;
  readonly signal?: AbortSignal;
}

/** Sampling of a text-to-image request (spec 5.5, first row). */
export const DRAWING = {
  steps: 50,
  shift: 3,
  guidance: { text: 4, image: 1, interval: [0.4, 1], renorm: 'global', renormMin: 0 },
} as const satisfies { steps: number; shift: number; guidance: Guidance };

/** Sampling of a request that changes a picture (spec 5.5, second row). */
export const EDITING = {
  steps: 50,
  shift: 3,
  guidance: { text: 4, image: 2, interval: [0, 1], renorm: 'text_channel', renormMin: 0 },
} as const satisfies { steps: number; shift: number; guidance: Guidance };

/** Random stream of initial noise. */
const NOISE_STREAM = 0x10a6e;

/** Initial noise [tokens, token width] of a picture in token layout; the same for a seed on every backend. */
export function initialNoise(config: ModelConfig, rows: number, columns: number, seed: number): tf.Tensor2D {
  const key = { seed, stream: NOISE_STREAM, counter: 0 };
  return randomNormal([rows * columns, config.latent.tokenDim], key) as tf.Tensor2D;
}

/**
 * Draws a picture under the given contexts (spec 5.3).
 *
 * @throws RangeError for a size that has no latent token or does not fit the position table; AbortedError
 */
export async function generateImage(
  models: GenerationModels,
  contexts: GuidanceContexts,
  options: ImageOptions = {},
): Promise<RgbImage> {
  const { model, vae, tokenizer, scheduler } = models;
  const turn = (signal?: AbortSignal) => scheduler?.turn('drawing', signal) ?? nextTurn(signal);
  const { latent, images } = model.config;
  const rows = Math.floor((options.height ?? images.defaultSize.height) / latent.pixels);
  const columns = Math.floor((options.width ?? images.defaultSize.width) / latent.pixels);
  if (!(rows >= 1 && columns >= 1)) {
    throw new RangeError(
      `a picture needs at least ${latent.pixels} pixels per side, asked for ${options.width}x${options.height}`,
    );
  }
  const grid = timeGrid(options.steps ?? DRAWING.steps, options.shift ?? DRAWING.shift);
  const guidance = { ...DRAWING.guidance, ...options.guidance };
  const field = new VelocityField(model, tokenizer.special, rows, columns);
  const noise = initialNoise(model.config, rows, columns, options.seed ?? 0);
  try {
    const tokens = await sampleFlow(field, contexts, noise, grid, guidance, {
      onStep: ({ index, steps }) => options.onStep?.(index + 1, steps),
      turn,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    try {
      await turn(options.signal);
      return await decodePicture(vae, tokens, rows, columns, latent.patch);
    } finally {
      tokens.dispose();
    }
  } finally {
    noise.dispose();
    field.dispose();
  }
}

/** Pixels of latent tokens [rows · columns, token width] (spec 3.5). */
async function decodePicture(
  vae: FlowVae,
  tokens: tf.Tensor2D,
  rows: number,
  columns: number,
  patch: number,
): Promise<RgbImage> {
  const decoded = tf.tidy(() => vae.decode(tokensToLatents(tokens, rows, columns, patch)));
  const [, height, width] = decoded.shape;
  const values = (await decoded.data()) as Float32Array;
  decoded.dispose();
  return fromPixels(values, height, width);
}
