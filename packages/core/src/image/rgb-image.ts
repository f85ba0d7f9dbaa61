import { ImageError } from './image-error.js';

/** An 8-bit picture: `data` holds height x width x 3 values, row by row, red green blue. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** An image of one colour; white unless told. */
export function solidImage(
  width: number,
  height: number,
  colour: readonly [number, number, number] = [255, 255, 255],
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = colour[i % 3] as number;
  return { width, height, data };
}

/** Throws ImageError unless width and height are positive integers and `data` has three values per pixel. */
export function checkImage(image: RgbImage): void {
  const { width, height, data } = image;
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new ImageError(`expected a width and height of at least 1, found ${width}x${height}`);
  }
  if (data.length !== width * height * 3) {
    throw new ImageError(
      `a ${width}x${height} RGB image has ${width * height * 3} values, found ${data.length}`,
    );
  }
}
