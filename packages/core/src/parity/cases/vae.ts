import { tf } from '@unicharacter/native';
import { fromPixels } from '../../image/index.js';
import { type CaseRunner, take, takeChannelsFirst } from '../case.js';

/** VAE encoder: posterior and latents of the language model's space (spec 3.1). */
export const vaeEncodeCase: CaseRunner = (golden, entry) => {
  const { vae } = golden.models;
  return tf.tidy(() => {
    const posterior = vae.encode(golden.channelsLast(entry, 'image'));
    const sample = vae.sample(posterior, golden.channelsLast(entry, 'eps'));
    return {
      outputs: {
        scaled_mean: takeChannelsFirst(vae.scaled(posterior.mean)),
        scaled_sample: takeChannelsFirst(vae.scaled(sample)),
        mean: takeChannelsFirst(posterior.mean),
        logvar: takeChannelsFirst(posterior.logvar),
      },
    };
  });
};

/** VAE decoder and the 8-bit picture (spec 3.1, 3.5). */
export const vaeDecodeCase: CaseRunner = (golden, entry) => {
  const { vae } = golden.models;
  return tf.tidy(() => ({ outputs: picture(vae.decode(golden.channelsLast(entry, 'latent'))) }));
};

/** A decoded picture [1, H, W, 3], which is disposed, as the cases store it. */
export function picture(decoded: tf.Tensor4D): { decoded: Float32Array; image_u8: Uint8Array } {
  const [, height, width] = decoded.shape;
  const image = fromPixels(take(decoded.clone()), height, width);
  return { decoded: takeChannelsFirst(decoded), image_u8: image.data };
}
