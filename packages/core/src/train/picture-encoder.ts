import { noGrad, tf } from '@unicharacter/native';
import { type RgbImage, toPixels } from '../image/index.js';
import {
  type FlowVae,
  imageLatents,
  imagePatches,
  type ModelConfig,
  type PatchGrid,
  resizeTo,
} from '../model/index.js';

/** Latent tokens of a picture on the host: its posterior, each [rows · columns, token width]. */
export interface StoredLatents {
  readonly latents: Float32Array;
  readonly deviations: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** The tokens of every picture that samples refer to, by picture id: encoded once, used at every step. */
export interface PictureCache {
  readonly patches: ReadonlyMap<string, PatchGrid>;
  readonly latents: ReadonlyMap<string, StoredLatents>;
}

/** Encodes pictures by the training rules (spec 3.2); each by itself, so that it does not depend on the others. */
export async function encodePictures(
  pictures: ReadonlyMap<string, RgbImage>,
  vae: FlowVae,
  config: ModelConfig,
): Promise<PictureCache> {
  const patches = new Map<string, PatchGrid>();
  const latents = new Map<string, StoredLatents>();
  for (const [id, picture] of pictures) {
    patches.set(id, imagePatches(resizeTo(picture, config.images.vitTraining), config));
    latents.set(id, await encodeLatents(picture, vae, config));
  }
  return { patches, latents };
}

/** The posterior of one picture, by the training rule. */
export async function encodeLatents(
  picture: RgbImage,
  vae: FlowVae,
  config: ModelConfig,
): Promise<StoredLatents> {
  const grid = noGrad(() => imageLatents(resizeTo(picture, config.images.vae), vae, config));
  const { rows, columns, means, deviations } = grid;
  const [latents, spread] = [await means.data<'float32'>(), await deviations.data<'float32'>()];
  tf.dispose([means, deviations]);
  return { latents, deviations: spread, rows, columns };
}

/** Pictures as [H, W, 3] in [−1, 1] on the device. */
export function pixelTensors(pictures: Iterable<RgbImage>): tf.Tensor3D[] {
  return [...pictures].map((picture) => tf.tensor3d(toPixels(picture), [picture.height, picture.width, 3]));
}

/**
 * Mean and standard deviation of the latents of all pictures, draws of their posteriors, in the autoencoder's own space:
 * the variance of the means plus the mean of the posterior variances.
 */
export async function latentStatistics(
  vae: FlowVae,
  pictures: readonly tf.Tensor3D[],
): Promise<{ mean: number; std: number }> {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const pixels of pictures) {
    const { mean, logvar } = noGrad(() =>
      tf.tidy(() => ({ ...vae.encode(tf.expandDims(pixels, 0) as tf.Tensor4D) })),
    );
    const values = await mean.data<'float32'>();
    const variances = (await logvar.data<'float32'>()).map(Math.exp);
    tf.dispose([mean, logvar]);
    count += values.length;
    values.forEach((value, index) => {
      sum += value;
      squares += value * value + variances[index]!;
    });
  }
  const mean = sum / count;
  return { mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}
