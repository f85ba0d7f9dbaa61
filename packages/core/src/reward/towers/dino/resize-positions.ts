/**
 * How the step between sampling points of the position grid is computed: `size` divides grid by target; `scale_offset`
 * adds 0.1 to the target, as older releases did and with them the reference.
 */
export type PositionResize = 'size' | 'scale_offset';

/** Cubic convolution (Keys 1981) with the constant that torch uses for upsampling. */
const A = -0.75;

const inner = (d: number) => ((A + 2) * d - (A + 3)) * d * d + 1;
const outer = (d: number) => ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;

interface Taps {
  readonly rows: readonly number[];
  readonly weights: readonly number[];
}

function cubicTaps(from: number, to: number, mode: PositionResize): Taps[] {
  const step = mode === 'size' ? from / to : from / (to + 0.1);
  return Array.from({ length: to }, (_, i) => {
    const x = (i + 0.5) * step - 0.5;
    const floor = Math.floor(x);
    const t = x - floor;
    return {
      rows: [-1, 0, 1, 2].map((offset) => Math.min(Math.max(floor + offset, 0), from - 1)),
      weights: [outer(1 + t), inner(t), inner(1 - t), outer(2 - t)],
    };
  });
}

/**
 * Bicubic resize of a square grid of position embeddings, clamped edges, no antialiasing (rewards specification §2.4).
 *
 * @param grid row-major [side, side, width]
 * @returns row-major [rows, columns, width]
 */
export function resizePositions(
  grid: Float32Array,
  side: number,
  rows: number,
  columns: number,
  mode: PositionResize,
): Float32Array {
  const width = grid.length / side ** 2;
  const across = cubicTaps(side, columns, mode);
  const down = cubicTaps(side, rows, mode);
  const out = new Float32Array(rows * columns * width);
  const sum = new Float64Array(width);
  down.forEach((vertical, y) => {
    across.forEach((horizontal, x) => {
      sum.fill(0);
      vertical.rows.forEach((row, j) => {
        horizontal.rows.forEach((column, i) => {
          const weight = vertical.weights[j]! * horizontal.weights[i]!;
          const at = (row * side + column) * width;
          for (let k = 0; k < width; k++) sum[k]! += weight * grid[at + k]!;
        });
      });
      out.set(sum, (y * columns + x) * width);
    });
  });
  return out;
}
