import { tf } from '@unicharacter/native';
import {
  type FitCompat,
  fitSize,
  patchify,
  type ResizeRule,
  type RgbImage,
  resizeBicubic,
  toPixels,
} from '../image/index.js';
import type { ModelConfig } from './config.js';
import type { FlowVae } from './flow-vae.js';
import type { PatchGrid } from './inference.js';
import { latentsToTokens } from './latent-tokens.js';

/** The image at the size that a rule gives it; the same image when nothing changes. */
export function resizeTo(
  image: RgbImage,
  rule: ResizeRule,
  imageCount = 1,
  compat: FitCompat = 'default',
): RgbImage {
  const { width, height } = fitSize(image.width, image.height, rule, imageCount, compat);
  return width === image.width && height === image.height ? image : resizeBicubic(image, width, height);
}

/** An image, resized already, as ViT patches (spec 2.9). Its sides must be multiples of the patch. */
export function imagePatches(image: RgbImage, { vit }: ModelConfig): PatchGrid {
  const { patchSize } = vit;
  return {
    patches: patchify(image, patchSize),
    rows: Math.floor(image.height / patchSize),
    columns: Math.floor(image.width / patchSize),
  };
}

/** Latent tokens of a picture: the posterior in the language model's space (spec 2.12, 3.1). */
export interface LatentGrid {
  readonly rows: number;
  readonly columns: number;
  /** [rows · columns, token width] */
  readonly means: tf.Tensor2D;
  readonly deviations: tf.Tensor2D;
}

/**
 * Encodes a picture, resized already, on its own: no padding to the size of others, so the latent depends on nothing
 * else (spec 3.4). The caller disposes the two tensors.
 */
export function imageLatents(image: RgbImage, vae: FlowVae, { latent }: ModelConfig): LatentGrid {
  const { width, height } = image;
  const { means, deviations } = tf.tidy(() => {
    const posterior = vae.encode(tf.tensor4d(toPixels(image), [1, height, width, 3]));
    const spread = tf.mul(tf.exp(tf.mul(posterior.logvar, 0.5)), vae.config.scale) as tf.Tensor4D;
    return {
      means: latentsToTokens(vae.scaled(posterior.mean), latent.patch),
      deviations: latentsToTokens(spread, latent.patch),
    };
  });
  return {
    rows: Math.floor(height / latent.pixels),
    columns: Math.floor(width / latent.pixels),
    means,
    deviations,
  };
}
