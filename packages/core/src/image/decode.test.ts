import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeImage } from './decode.js';
import { ImageError } from './image-error.js';

const folder = mkdtempSync(join(tmpdir(), 'decode-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A PNG written byte by byte: `rows` are unfiltered scan lines. */
function png(
  width: number,
  bitDepth: number,
  colourType: number,
  rows: number[][],
  extra: [string, number[]][] = [],
): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header[8] = bitDepth;
  header[9] = colourType;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...extra.map(([type, data]) => chunk(type, Uint8Array.from(data))),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGBA = 6;

describe('decodeImage', () => {
  it.each<[string, Buffer, number[]]>([
    ['RGBA', png(2, 8, RGBA, [[10, 200, 0, 128, 1, 2, 3, 0]]), [10, 200, 0, 1, 2, 3]],
    ['grey', png(2, 8, GREY_ALPHA, [[0, 0, 100, 255]]), [0, 0, 0, 100, 100, 100]],
  ])('keeps the colours under transparent pixels when told to: %s', async (_, bytes, expected) => {
    expect([...(await decodeImage(bytes, { transparency: 'drop' })).data]).toEqual(expected);
  });

  it.each<[string, Buffer, number[]]>([
    ['RGB', png(2, 8, RGB, [[1, 2, 3, 4, 5, 6]]), [1, 2, 3, 4, 5, 6]],
    ['grey', png(2, 8, GREY, [[7, 200]]), [7, 7, 7, 200, 200, 200]],
    ['1-bit grey', png(3, 1, GREY, [[0b01000000]]), [0, 0, 0, 255, 255, 255, 0, 0, 0]],
    ['grey, alpha over white', png(2, 8, GREY_ALPHA, [[0, 0, 100, 255]]), [255, 255, 255, 100, 100, 100]],
    // 10*128 + 255*127 = 33665, /255 = 132.02; 200*128 + 255*127 = 57985, /255 = 227.39; 0: 127
    ['RGBA over white', png(1, 8, RGBA, [[10, 200, 0, 128]]), [132, 227, 127]],
    ['fully transparent', png(1, 8, RGBA, [[10, 200, 0, 0]]), [255, 255, 255]],
    ['16-bit RGB', png(1, 16, RGB, [[0x12, 0xff, 0x80, 0x00, 0xff, 0xff]]), [0x12, 0x80, 0xff]],
    ['16-bit grey', png(1, 16, GREY, [[0x7f, 0xff]]), [0x7f, 0x7f, 0x7f]],
    ['16-bit RGBA', png(1, 16, RGBA, [[0, 0, 0, 0, 0, 0, 0x80, 0xff]]), [127, 127, 127]],
    [
      'palette with a half transparent entry',
      png(
        3,
        8,
        PALETTE,
        [[0, 1, 2]],
        [
          ['PLTE', [255, 0, 0, 0, 0, 0, 9, 8, 7]],
          ['tRNS', [255, 128]],
        ],
      ),
      [255, 0, 0, 127, 127, 127, 9, 8, 7],
    ],
    [
      'RGB with a transparent colour',
      png(2, 8, RGB, [[5, 5, 5, 6, 6, 6]], [['tRNS', [0, 5, 0, 5, 0, 5]]]),
      [255, 255, 255, 6, 6, 6],
    ],
  ])('reads %s', async (_, bytes, expected) => {
    const image = await decodeImage(bytes);
    expect([...image.data]).toEqual(expected);
    expect(image.width * image.height * 3).toBe(expected.length);
  });

  it('reads JPEG, lossless WebP and the first frame of a GIF, whatever the file is called', async () => {
    const raw = { raw: { width: 8, height: 4, channels: 3 } } as const;
    const red = Buffer.alloc(96).map((_, i) => (i % 3 === 0 ? 255 : 0));
    const jpeg = join(folder, 'really-a-jpeg.png');
    writeFileSync(jpeg, await sharp(red, raw).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer());
    const decoded = await decodeImage(jpeg);
    expect([decoded.width, decoded.height]).toEqual([8, 4]);
    expect(decoded.data[0]).toBeGreaterThanOrEqual(254);
    expect(decoded.data[1]).toBeLessThanOrEqual(1);

    const webp = await decodeImage(await sharp(red, raw).webp({ lossless: true }).toBuffer());
    expect([...webp.data]).toEqual([...red]);

    const blue = Buffer.alloc(96).map((_, i) => (i % 3 === 2 ? 255 : 0));
    const gif = await sharp(Buffer.concat([red, blue]), {
      raw: { width: 8, height: 8, channels: 3, pageHeight: 4 },
    })
      .gif()
      .toBuffer();
    const frame = await decodeImage(gif);
    expect([frame.width, frame.height]).toEqual([8, 4]);
    expect([...frame.data]).toEqual([...red]);
  });

  it('does not turn an image by its orientation tag', async () => {
    const raw = { raw: { width: 6, height: 2, channels: 3 } } as const;
    const jpeg = await sharp(Buffer.alloc(36), raw).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect((await sharp(jpeg).metadata()).orientation).toBe(6);
    const { width, height } = await decodeImage(jpeg);
    expect([width, height]).toEqual([6, 2]);
  });

  it('refuses what is no image and says what it found and accepts', async () => {
    const refuse = async (content: string | Uint8Array, message: string) => {
      const path = join(folder, 'picture.png');
      writeFileSync(path, content);
      await expect(decodeImage(path)).rejects.toThrow(
        `${path}: expected PNG, JPEG, WebP, GIF, found ${message}`,
      );
      await expect(decodeImage(path)).rejects.toBeInstanceOf(ImageError);
    };
    await refuse('', 'an empty file');
    await refuse('hello', 'unknown content (first bytes 68 65 6c 6c 6f)');
    await refuse(
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'SVG or XML (first bytes 3c 73 76 67 20 78 6d 6c)',
    );
    await refuse('version https://git-lfs.github.com/spec/v1', 'a Git LFS pointer (first bytes');
    await expect(decodeImage(Buffer.from('BM..'), { name: 'upload' })).rejects.toThrow(
      /^upload: .* found BMP/,
    );
    await expect(decodeImage(join(folder, 'missing.png'))).rejects.toThrow(
      /missing.png: cannot be read \(ENOENT/,
    );
  });

  it('refuses damaged data, naming the format', async () => {
    const good = png(
      2,
      8,
      RGB,
      Array.from({ length: 50 }, (_, y) => [y, 2, 3, 4, 5, 6]),
    );
    await expect(decodeImage(good.subarray(0, good.length - 30), { name: 'cut.png' })).rejects.toThrow(
      /^cut.png: the PNG data is damaged \(/,
    );
    const noise = Buffer.from(good);
    noise.fill(0xa5, 40, noise.length - 12);
    await expect(decodeImage(noise)).rejects.toBeInstanceOf(ImageError);
    await expect(decodeImage(good.subarray(0, 10))).rejects.toBeInstanceOf(ImageError);
    const pixels = Buffer.alloc(64 * 64 * 3).map((_, i) => (i * 37) % 256);
    const jpeg = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await expect(decodeImage(jpeg.subarray(0, 900), { name: 'cut.jpg' })).rejects.toThrow(
      /the JPEG data is damaged/,
    );
  });

  it('refuses images with too many pixels before decoding them', async () => {
    const bytes = png(3, 8, GREY, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await expect(decodeImage(bytes, { name: 'big', maxPixels: 5 })).rejects.toThrow(
      'big: 3x2 is 6 pixels, the limit is 5',
    );
    expect((await decodeImage(bytes, { maxPixels: 6 })).width).toBe(3);
    const claimed = png(1, 8, GREY, [[0]]);
    claimed.writeUInt32BE(60000, 16);
    claimed.writeUInt32BE(60000, 20);
    claimed.writeUInt32BE(crc32(claimed.subarray(12, 29)), 29);
    await expect(decodeImage(claimed)).rejects.toThrow(/60000x60000 is 3600000000 pixels/);
  });
});
