import { tf } from '@unicharacter/native';

/**
 * Class token and patches of a batch of pictures: [n, 1 + grid², width], patches row by row.
 *
 * @param pixels [n, height, width, 3]
 * @param kernel [patch, patch, 3, width]
 * @param classToken [width] values, any shape
 */
export function patchTokens(
  pixels: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  classToken: tf.Tensor,
): tf.Tensor3D {
  return tf.tidy(() => {
    const [patch, , , width] = kernel.shape;
    const grid = tf.conv2d(pixels, kernel, patch, 'valid');
    const [n, rows, columns] = grid.shape;
    const patches = tf.reshape(bias ? tf.add(grid, bias) : grid, [n, rows * columns, width]);
    const first = tf.tile(tf.reshape(classToken, [1, 1, width]), [n, 1, 1]);
    return tf.concat([first, patches], 1) as tf.Tensor3D;
  });
}

/** The first token of every picture: [n, width] of [n, tokens, width]. */
export function classTokens(x: tf.Tensor3D): tf.Tensor2D {
  return tf.squeeze(tf.slice(x, [0, 0, 0], [-1, 1, -1]), [1]) as tf.Tensor2D;
}
