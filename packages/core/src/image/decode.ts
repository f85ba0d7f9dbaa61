import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { ImageError } from './image-error.js';
import type { RgbImage } from './rgb-image.js';
import { ACCEPTED_FORMATS, firstBytes, isAccepted, sniff } from './sniff.js';

export interface DecodeImageOptions {
  /** Name for messages when the image comes as bytes. */
  name?: string;
  /** Images with more pixels are refused before they are decoded. Default 2^26, an 8192 x 8192 picture. */
  maxPixels?: number;
  /**
   * What becomes of transparency. `over white` (default) composites it over white; `drop` ignores it, so that colours
   * under transparent pixels stay.
   */
  transparency?: 'over white' | 'drop';
}

/** See {@link DecodeImageOptions.maxPixels}. */
export const DEFAULT_MAX_PIXELS = 2 ** 26;

/**
 * Decodes a PNG, JPEG, WebP or GIF (first frame) to 8-bit RGB. The content decides, not the file name.
 *
 * As PIL's `convert("RGB")` does (spec 3.3): transparency is composited over white unless told, orientation tags and colour
 * profiles are not applied. 16-bit channels keep their upper 8 bits.
 *
 * @throws ImageError naming the file, for anything that is not such an image, is damaged or is too large
 */
export async function decodeImage(
  pathOrBytes: string | Uint8Array,
  options: DecodeImageOptions = {},
): Promise<RgbImage> {
  const fromFile = typeof pathOrBytes === 'string';
  const name = options.name ?? (fromFile ? pathOrBytes : 'image');
  const bytes = fromFile ? await readImageFile(pathOrBytes) : pathOrBytes;
  const format = sniff(bytes);
  if (!isAccepted(format)) {
    const found =
      bytes.length === 0
        ? 'an empty file'
        : `${format ?? 'unknown content'} (first bytes ${firstBytes(bytes)})`;
    throw new ImageError(`${name}: expected ${ACCEPTED_FORMATS.join(', ')}, found ${found}`);
  }
  const maxPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
  try {
    // The limit is checked here, on the header, to be able to name the size; sharp's own check is switched off.
    const source = () =>
      sharp(bytes, { limitInputPixels: false, failOn: 'error', ignoreIcc: true, autoOrient: false });
    const { width, height } = await source().metadata();
    if (width * height > maxPixels) {
      throw new ImageError(
        `${name}: ${width}x${height} is ${width * height} pixels, the limit is ${maxPixels}`,
      );
    }
    const { data, info } = await source()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      data: toRgb(data, info.width * info.height, info.channels, options.transparency === 'drop'),
    };
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(`${name}: the ${format} data is damaged (${reason})`, { cause });
  }
}

async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(`${path}: cannot be read (${reason})`, { cause });
  }
}

/** Interleaved grey, grey + alpha, RGB or RGBA values to RGB, alpha over white or dropped. */
function toRgb(data: Uint8Array, pixels: number, channels: number, dropAlpha: boolean): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const colours = channels >= 3 ? 3 : 1;
  const hasAlpha = !dropAlpha && (channels === 2 || channels === 4);
  const out = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = pixel * channels;
    const alpha = hasAlpha ? (data[at + colours] as number) : 255;
    for (let c = 0; c < 3; c++) {
      out[pixel * 3 + c] = overWhite(data[at + (colours === 3 ? c : 0)] as number, alpha);
    }
  }
  return out;
}

/** PIL's paste with an 8-bit mask: the blend over 255, divided by 255 with rounding in integers. */
function overWhite(value: number, alpha: number): number {
  const sum = value * alpha + 255 * (255 - alpha) + 128;
  return ((sum >> 8) + sum) >> 8;
}
