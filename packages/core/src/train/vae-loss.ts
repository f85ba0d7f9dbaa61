import { tf } from '@unicharacter/native';
import type { LatentPosterior } from '../model/flow-vae.js';

/** What the autoencoder's loss is made of, in the order of `VaeLoss.parts`. */
export const VAE_LOSS_PARTS = ['reconstruction', 'gradient', 'kl'] as const;

export interface VaeLoss {
  /** The weighted sum. */
  loss: tf.Scalar;
  /** The parts, unweighted. */
  parts: tf.Tensor1D;
}

export interface VaeLossWeights {
  gradientWeight: number;
  klWeight: number;
}

/**
 * Loss of the autoencoder: mean absolute error of the pixels, plus the mean absolute error of their horizontal and
 * vertical differences at full, half and quarter size (keeps edges sharp where a perceptual network is not at hand), plus
 * the Kullback–Leibler divergence of the posterior from the standard normal, ½·mean(μ² + σ² − 1 − log σ²).
 *
 * @param output, target pixels [B, H, W, 3] in [−1, 1]
 */
export function vaeLoss(
  output: tf.Tensor4D,
  target: tf.Tensor4D,
  posterior: LatentPosterior,
  weights: VaeLossWeights,
): VaeLoss {
  return tf.tidy(() => {
    const reconstruction = meanAbsolute(output, target);
    const gradient = multiScaleGradient(output, target);
    const { mean, logvar } = posterior;
    const excess = tf.sub(tf.add(tf.square(mean), tf.exp(logvar)), tf.add(logvar, 1));
    const kl = tf.mul(tf.mean(excess), 0.5) as tf.Scalar;
    const weighted = tf.add(tf.mul(gradient, weights.gradientWeight), tf.mul(kl, weights.klWeight));
    return {
      loss: tf.add(reconstruction, weighted) as tf.Scalar,
      parts: tf.stack([reconstruction, gradient, kl]) as tf.Tensor1D,
    };
  });
}

const SCALES = 3;

function multiScaleGradient(output: tf.Tensor4D, target: tf.Tensor4D): tf.Scalar {
  let error = tf.sub(output, target) as tf.Tensor4D;
  let sum: tf.Tensor = tf.scalar(0);
  for (let scale = 0; scale < SCALES; scale++) {
    const [batch, height, width, channels] = error.shape;
    if (height < 2 || width < 2) break;
    const right = tf.slice(error, [0, 0, 1, 0], [batch, height, width - 1, channels]);
    const left = tf.slice(error, [0, 0, 0, 0], [batch, height, width - 1, channels]);
    const lower = tf.slice(error, [0, 1, 0, 0], [batch, height - 1, width, channels]);
    const upper = tf.slice(error, [0, 0, 0, 0], [batch, height - 1, width, channels]);
    sum = tf.add(sum, tf.add(meanAbsolute(right, left), meanAbsolute(lower, upper)));
    error = halve(error);
  }
  return sum as tf.Scalar;
}

/** Means over 2×2 pixels; an odd last row or column is left out. */
function halve(pixels: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = pixels.shape;
  const rows = Math.floor(height / 2);
  const columns = Math.floor(width / 2);
  const even = tf.slice(pixels, [0, 0, 0, 0], [batch, 2 * rows, 2 * columns, channels]);
  const split = tf.reshape(even, [batch * rows, 2, columns, 2 * channels]);
  const vertical = tf.reshape(tf.mean(split, 1), [batch * rows * columns, 2, channels]);
  return tf.reshape(tf.mean(vertical, 1), [batch, rows, columns, channels]);
}

function meanAbsolute(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return tf.mean(tf.abs(tf.sub(a, b))) as tf.Scalar;
}
