import { tf } from '@unicharacter/native';
import { TIMESTEP_FEATURES } from './config.js';

/**
 * Two-dimensional sin-cos table [side², width] for grid cell (row, column) at index row·side + column (spec 2.10).
 * Four blocks of width/4: sin and cos of the column, then sin and cos of the row.
 */
export function sinCosTable(side: number, width: number): Float32Array {
  const quarter = width / 4;
  const table = new Float32Array(side * side * width);
  const omega = Float64Array.from({ length: quarter }, (_, k) => 10000 ** (-k / quarter));
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = (row * side + column) * width;
      for (let k = 0; k < quarter; k++) {
        const w = omega[k] as number;
        table[at + k] = Math.sin(column * w);
        table[at + quarter + k] = Math.cos(column * w);
        table[at + 2 * quarter + k] = Math.sin(row * w);
        table[at + 3 * quarter + k] = Math.cos(row * w);
      }
    }
  }
  return table;
}

/**
 * Sinusoidal features [n, 256] of time steps in [0, 1], unscaled: cosines first, then sines (spec 2.11).
 * Computed on the host: a row holds the features of a whole image.
 */
export function timestepFeatures(times: ArrayLike<number>): tf.Tensor2D {
  const half = TIMESTEP_FEATURES / 2;
  const features = new Float32Array(times.length * TIMESTEP_FEATURES);
  for (let i = 0; i < times.length; i++) {
    for (let k = 0; k < half; k++) {
      const angle = (times[i] as number) * Math.exp((-Math.log(10000) * k) / half);
      features[i * TIMESTEP_FEATURES + k] = Math.cos(angle);
      features[i * TIMESTEP_FEATURES + half + k] = Math.sin(angle);
    }
  }
  return tf.tensor2d(features, [times.length, TIMESTEP_FEATURES]);
}
