import { noGrad, tf } from '@unicharacter/native';
import { type FlowVae, tokensToLatents } from '../../model/index.js';
import type { FloatImage } from '../../reward/index.js';
import type { ImagePromptSample } from './image-prompts.js';
import { disposeRollOut, type RollOut } from './roll-out.js';

/** Some pictures of a group that went through the model together. */
export interface ImageChunk extends RollOut {
  /** Token ids of the prompt that these pictures are drawn for. */
  readonly ids: ArrayLike<number>;
  /** Place of the first picture in the group. */
  readonly first: number;
  readonly count: number;
  /** Log-probabilities under the drawing policy, as the learning pass computes them, one per stochastic step. */
  oldLogProbs?: tf.Tensor1D[];
}

/** All pictures of an epoch for one prompt. */
export interface ImageGroup {
  readonly sample: ImagePromptSample;
  /** First stochastic step. */
  readonly start: number;
  readonly chunks: ImageChunk[];
  readonly images: FloatImage[];
}

/** Frees everything that a group holds on the device. */
export function disposeGroup({ chunks }: ImageGroup): void {
  for (const chunk of chunks) {
    disposeRollOut(chunk);
    tf.dispose(chunk.oldLogProbs ?? []);
  }
}

/** Finished latents [count, tokens, channels] as pictures in [0, 1], not quantised. */
export async function decodeLatents(
  vae: FlowVae,
  latents: tf.Tensor3D,
  { rows, columns, patch }: { rows: number; columns: number; patch: number },
): Promise<FloatImage[]> {
  const [count, tokens, channels] = latents.shape;
  const images: FloatImage[] = [];
  for (let index = 0; index < count; index++) {
    const pixels = noGrad(() =>
      tf.tidy(() => {
        const own = tf.reshape(tf.slice(latents, [index, 0, 0], [1, tokens, channels]), [tokens, channels]);
        const decoded = vae.decode(tokensToLatents(own as tf.Tensor2D, rows, columns, patch));
        return tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1) as tf.Tensor4D;
      }),
    );
    const [, height, width] = pixels.shape;
    images.push({ width, height, data: await pixels.data<'float32'>() });
    pixels.dispose();
  }
  return images;
}
