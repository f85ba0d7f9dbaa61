import { ImageError } from './image-error.js';
import { checkImage, type RgbImage } from './rgb-image.js';

/** (v / 255 - 0.5) / 0.5 for every 8-bit v, each step rounded to float32 as torchvision computes it. */
const NORMALISED = Float32Array.from({ length: 256 }, (_, v) => (Math.fround(v / 255) - 0.5) / 0.5);

/** Pixels as the networks see them: [height, width, 3] values in [-1, 1], row-major. */
export function toPixels(image: RgbImage): Float32Array {
  checkImage(image);
  const pixels = new Float32Array(image.data.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = NORMALISED[image.data[i] as number] as number;
  return pixels;
}

/**
 * An image from [height, width, 3] values: clamp(y / 2 + 1/2, 0, 1) * 255, truncated to 8 bits (spec 3.5).
 *
 * @throws ImageError when the number of values is wrong or one of them is not a number
 */
export function fromPixels(pixels: Float32Array, height: number, width: number): RgbImage {
  if (pixels.length !== height * width * 3) {
    throw new ImageError(
      `a ${width}x${height} RGB image has ${height * width * 3} values, found ${pixels.length}`,
    );
  }
  const data = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i] as number;
    if (Number.isNaN(value))
      throw new ImageError(`value ${i} of the image is not a number; the model has diverged`);
    const unit = Math.min(Math.max(Math.fround(Math.fround(0.5 * value) + 0.5), 0), 1);
    data[i] = Math.trunc(Math.fround(unit * 255));
  }
  return { width, height, data };
}

/**
 * Cuts an image into square patches: [rows, patch * patch * 3] values in [-1, 1], rows of the grid first; inside a
 * patch (y, x, channel) with channel fastest (spec 2.9).
 *
 * @throws ImageError when a side is not a multiple of `patch`
 */
export function patchify(image: RgbImage, patch: number): Float32Array {
  const { width, height } = image;
  if (width % patch !== 0 || height % patch !== 0) {
    throw new ImageError(
      `expected sides that are multiples of ${patch}, found ${width}x${height}; resize it first`,
    );
  }
  const pixels = toPixels(image);
  const rows = new Float32Array(pixels.length);
  let to = 0;
  for (let top = 0; top < height; top += patch) {
    for (let left = 0; left < width; left += patch) {
      for (let y = top; y < top + patch; y++) {
        const from = (y * width + left) * 3;
        rows.set(pixels.subarray(from, from + patch * 3), to);
        to += patch * 3;
      }
    }
  }
  return rows;
}

/**
 * Row numbers in a square position table for a grid of `rows` x `columns` patches: y * stride + x, where `stride` is
 * the side of the *table*, not of the grid (spec 2.9, 2.12).
 */
export function gridPositions(rows: number, columns: number, stride: number): Int32Array {
  if (rows > stride || columns > stride) {
    throw new ImageError(
      `a grid of ${columns}x${rows} patches does not fit into a position table of ${stride}x${stride}`,
    );
  }
  return Int32Array.from(
    { length: rows * columns },
    (_, i) => Math.floor(i / columns) * stride + (i % columns),
  );
}
