import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { ImageError } from './image-error.js';
import { checkImage, type RgbImage } from './rgb-image.js';

const SIGNATURE_BYTES = 8;
/** Length, type and checksum around the data of a chunk. */
const CHUNK_OVERHEAD = 12;

/**
 * Encodes an image as 8-bit RGB PNG. The same image and texts give the same bytes.
 *
 * @param texts text chunks by keyword, such as the prompt and seed an image was made with; Latin-1 text becomes a
 *   `tEXt` chunk, everything else an `iTXt` chunk in UTF-8
 * @throws ImageError for a keyword that PNG does not allow
 */
export async function encodePng(
  image: RgbImage,
  texts: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  checkImage(image);
  const { width, height, data } = image;
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false })
    .toBuffer();
  return insertTexts(png, texts);
}

/**
 * The same picture with these text chunks; earlier ones with the same keywords are left out, everything else stays byte for
 * byte.
 * @throws ImageError when the bytes are no PNG, or for a keyword that PNG does not allow
 */
export function withPngTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Buffer {
  const bytes = asBuffer(png);
  const kept = [...chunksOf(bytes)].filter(({ type, start, end }) => {
    const keyword = bytes.toString('latin1', start + 8, bytes.indexOf(0, start + 8));
    return !(isText(type) || type === 'zTXt') || end <= start + 8 || !Object.hasOwn(texts, keyword);
  });
  const rest = kept.map(({ start, end }) => bytes.subarray(start, end + 4));
  return insertTexts(Buffer.concat([bytes.subarray(0, SIGNATURE_BYTES), ...rest]), texts);
}

/** Uncompressed text chunks (`tEXt`, `iTXt`) of a PNG by keyword. Throws ImageError when the bytes are no PNG. */
export function readPngTexts(png: Uint8Array): Record<string, string> {
  const bytes = asBuffer(png);
  const texts = new Map<string, string>();
  for (const { type, start, end } of chunksOf(bytes)) {
    if (isText(type)) addText(texts, type, bytes.subarray(start + 8, end));
  }
  return Object.fromEntries(texts);
}

/** Where the end chunk of a PNG ends; -1 without one. Throws ImageError when the bytes are no PNG. */
export function pngEnd(png: Uint8Array): number {
  for (const { type, end } of chunksOf(asBuffer(png))) if (type === 'IEND') return end + 4;
  return -1;
}

/** Text belongs anywhere between the header chunk and the end; right after the header readers find it at once. */
function insertTexts(png: Buffer, texts: Readonly<Record<string, string>>): Buffer {
  const headerEnd = SIGNATURE_BYTES + CHUNK_OVERHEAD + 13;
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const isText = (type: string): boolean => type === 'tEXt' || type === 'iTXt';

/** The chunks of a PNG: `start` is the byte of the length, `end` the one after the data. */
function* chunksOf(bytes: Buffer): Generator<{ type: string; start: number; end: number }> {
  if (bytes.toString('latin1', 0, SIGNATURE_BYTES) !== '\x89PNG\r\n\x1a\n') {
    throw new ImageError('expected a PNG, found something else');
  }
  for (let start = SIGNATURE_BYTES; start + CHUNK_OVERHEAD <= bytes.length; ) {
    const end = start + 8 + bytes.readUInt32BE(start);
    if (end + 4 > bytes.length) throw new ImageError(`the PNG ends inside the chunk at byte ${start}`);
    yield { type: bytes.toString('latin1', start + 4, start + 8), start, end };
    start = end + 4;
  }
}

function textChunk(keyword: string, text: string): Buffer {
  if (
    !/^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa1-\xff]{0,77}[\x21-\x7e\xa1-\xff])?$/.test(keyword) ||
    keyword.includes('  ')
  ) {
    throw new ImageError(
      `expected a PNG text keyword of 1 to 79 Latin-1 characters without outer or double spaces, found "${keyword}"`,
    );
  }
  const key = Buffer.from(keyword, 'latin1');
  const isLatin1 = [...text].every(
    (character) => character === '\n' || /[\x20-\x7e\xa0-\xff]/.test(character),
  );
  if (isLatin1) return chunk('tEXt', Buffer.concat([key, Buffer.of(0), Buffer.from(text, 'latin1')]));
  // Uncompressed, no language, no translated keyword: five zero bytes after the keyword.
  return chunk('iTXt', Buffer.concat([key, Buffer.alloc(5), Buffer.from(text, 'utf8')]));
}

function chunk(type: string, data: Buffer): Buffer {
  const out = Buffer.alloc(CHUNK_OVERHEAD + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  data.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

function addText(texts: Map<string, string>, type: string, data: Buffer): void {
  const keyEnd = data.indexOf(0);
  if (keyEnd < 0) return;
  const keyword = data.toString('latin1', 0, keyEnd);
  if (type === 'tEXt') {
    texts.set(keyword, data.toString('latin1', keyEnd + 1));
    return;
  }
  const compressed = data[keyEnd + 1] !== 0;
  const languageEnd = data.indexOf(0, keyEnd + 3);
  const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (!compressed && translatedEnd >= 0) texts.set(keyword, data.toString('utf8', translatedEnd + 1));
}
