/** Average hash: a small black-and-white print of a picture that survives resizing and recompression. */

import type { RgbImage } from '../../image/index.js';

/** The print has GRID x GRID cells. 8 x 8 confuses flat drawings that only differ in small things. */
const GRID = 16;

/** Pictures whose prints differ in at most this many of the 256 cells count as near duplicates. */
export const NEAR_DUPLICATE_CELLS = 20;

/**
 * For each of the 16 x 16 cells, row by row: 1 where the mean luma (ITU-R BT.601) of the cell is above the mean of all
 * cells, else 0. Pictures smaller than the grid repeat pixels.
 */
export function averageHash(image: RgbImage): Uint8Array {
  const cells = new Float64Array(GRID * GRID);
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      cells[row * GRID + column] = meanLuma(image, row, column);
    }
  }
  const mean = cells.reduce((sum, cell) => sum + cell, 0) / cells.length;
  return Uint8Array.from(cells, (cell) => (cell > mean ? 1 : 0));
}

/** In how many cells two prints differ. */
export function hashDistance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, cell, i) => sum + (cell === b[i] ? 0 : 1), 0);
}

function meanLuma({ width, height, data }: RgbImage, row: number, column: number): number {
  const [top, bottom] = span(row, height);
  const [left, right] = span(column, width);
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = (y * width + x) * 3;
      sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
    }
  }
  return sum / ((bottom - top) * (right - left));
}

/** First and one past the last pixel of a cell; at least one pixel. */
function span(cell: number, size: number): [number, number] {
  const start = Math.min(size - 1, Math.floor((cell * size) / GRID));
  return [start, Math.max(start + 1, Math.floor(((cell + 1) * size) / GRID))];
}
