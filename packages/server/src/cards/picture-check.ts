import { decodeImage, ImageError, pngEnd, type RgbImage } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';

/**
 * Decodes a picture that a stranger sent. Size is checked on its header; a file that goes on after the picture is refused,
 * because it is a second file in disguise.
 * @throws ApiError 400 naming the picture
 */
export async function decodeStranger(bytes: Uint8Array, name: string): Promise<RgbImage> {
  try {
    const image = await decodeImage(bytes, { name });
    if (pictureEnd(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) !== bytes.length) {
      throw new ImageError(`${name}: the file goes on after the picture; save the picture again`);
    }
    return image;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw invalidRequest(`A picture cannot be used: ${error.message}.`, 'file', 'invalid_image');
  }
}

/** Where a picture ends by its own account; -1 when it does not say. */
function pictureEnd(bytes: Buffer): number {
  if (bytes[0] === 0x89) return pngEnd(bytes);
  if (bytes.toString('latin1', 0, 4) === 'RIFF') {
    const size = bytes.readUInt32LE(4);
    return 8 + size + (size % 2);
  }
  const isJpeg = bytes[0] === 0xff;
  return isJpeg ? bytes.lastIndexOf(Buffer.of(0xff, 0xd9)) + 2 : gifEnd(bytes);
}

/** Blocks of GIF89a: header, colour tables, extensions and images made of sub-blocks, and the trailer 0x3b. */
function gifEnd(bytes: Buffer): number {
  const table = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10] ?? 0);
  while (at < bytes.length) {
    const block = bytes[at];
    if (block === 0x3b) return at + 1;
    if (block === 0x21) at += 2;
    else if (block === 0x2c) at += 11 + table(bytes[at + 9] ?? 0);
    else return -1;
    while (at < bytes.length && bytes[at] !== 0) at += 1 + (bytes[at] as number);
    at += 1;
  }
  return -1;
}
