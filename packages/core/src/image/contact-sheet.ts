import { ImageError } from './image-error.js';
import { checkImage, type RgbImage, solidImage } from './rgb-image.js';

/** White pixels between neighbouring cells. */
const GAP = 4;

/**
 * Lays images out in a grid, row by row, on white. Cells have the size of the largest image; smaller ones are centred.
 */
export function contactSheet(images: readonly RgbImage[], columns: number): RgbImage {
  if (images.length === 0) throw new ImageError('expected at least one image for a contact sheet');
  if (!Number.isSafeInteger(columns) || columns < 1)
    throw new ImageError(`expected at least 1 column, found ${columns}`);
  for (const image of images) checkImage(image);
  const across = Math.min(columns, images.length);
  const down = Math.ceil(images.length / across);
  const cellWidth = Math.max(...images.map(({ width }) => width));
  const cellHeight = Math.max(...images.map(({ height }) => height));
  const sheet = solidImage(across * (cellWidth + GAP) - GAP, down * (cellHeight + GAP) - GAP);
  for (const [index, image] of images.entries()) {
    const left = (index % across) * (cellWidth + GAP) + Math.floor((cellWidth - image.width) / 2);
    const top = Math.floor(index / across) * (cellHeight + GAP) + Math.floor((cellHeight - image.height) / 2);
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      sheet.data.set(row, ((top + y) * sheet.width + left) * 3);
    }
  }
  return sheet;
}
