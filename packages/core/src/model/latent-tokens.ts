import { tf } from '@unicharacter/native';

/**
 * Latents [1, H, W, channels] as tokens [⌊H/p⌋·⌊W/p⌋, p²·channels]: raster order, each token ordered
 * (y, x, channel) (spec 2.12). Cells that fill no whole patch are cut off.
 */
export function latentsToTokens(latents: tf.Tensor4D, patch: number): tf.Tensor2D {
  const [, height, width, channels] = latents.shape;
  const rows = Math.floor(height / patch);
  const columns = Math.floor(width / patch);
  return tf.tidy(() => {
    const whole = tf.slice(latents, [0, 0, 0, 0], [1, rows * patch, columns * patch, channels]);
    const cells = tf.transpose(whole.reshape([rows, patch, columns, patch, channels]), [0, 2, 1, 3, 4]);
    return cells.reshape([rows * columns, patch * patch * channels]) as tf.Tensor2D;
  });
}

/** The inverse of `latentsToTokens` for a grid of rows × columns tokens: [1, rows·p, columns·p, channels]. */
export function tokensToLatents(
  tokens: tf.Tensor2D,
  rows: number,
  columns: number,
  patch: number,
): tf.Tensor4D {
  const channels = (tokens.shape[1] as number) / (patch * patch);
  return tf.tidy(() => {
    const cells = tf.transpose(tokens.reshape([rows, columns, patch, patch, channels]), [0, 2, 1, 3, 4]);
    return cells.reshape([1, rows * patch, columns * patch, channels]) as tf.Tensor4D;
  });
}
