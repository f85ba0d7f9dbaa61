export { contactSheet } from './contact-sheet.js';
export { DEFAULT_MAX_PIXELS, type DecodeImageOptions, decodeImage } from './decode.js';
export {
  type FitCompat,
  fitSize,
  PUBLISHED_RESIZE_RULES,
  type ResizeRule,
  roundHalfToEven,
} from './fit-size.js';
export { ImageError } from './image-error.js';
export { fromPixels, gridPositions, patchify, toPixels } from './pixels.js';
export { encodePng, pngEnd, readPngTexts, withPngTexts } from './png.js';
export { resizeBicubic } from './resize.js';
export { type RgbImage, solidImage } from './rgb-image.js';
export { sniff } from './sniff.js';
