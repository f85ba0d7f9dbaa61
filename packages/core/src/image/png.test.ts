import { describe, expect, it } from 'vitest';
import { contactSheet } from './contact-sheet.js';
import { decodeImage } from './decode.js';
import { encodePng, readPngTexts, withPngTexts } from './png.js';
import { type RgbImage, solidImage } from './rgb-image.js';

const image: RgbImage = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i * 14) };

describe('encodePng', () => {
  it('keeps pixels and texts, and gives the same bytes every time', async () => {
    const texts = { prompt: 'a fox\nin the café', Seed: '7', comment: '狐 says “hi”', empty: '' };
    const png = await encodePng(image, texts);
    expect(await decodeImage(png)).toEqual(image);
    expect(readPngTexts(png)).toEqual(texts);
    expect(png.includes('tEXtprompt\0a fox\nin the caf\xe9', 0, 'latin1')).toBe(true);
    expect(png.includes('iTXtcomment\0', 0, 'latin1')).toBe(true);
    expect((await encodePng(image, texts)).equals(png)).toBe(true);
    expect(readPngTexts(await encodePng(image))).toEqual({});
  });

  it.each(['', ' key', 'key ', 'two  spaces', 'k'.repeat(80), 'ключ', 'a\0b'])(
    'refuses the keyword %j',
    async (keyword) => {
      await expect(encodePng(image, { [keyword]: 'x' })).rejects.toThrow(/expected a PNG text keyword/);
    },
  );

  it('refuses an image whose data does not fit', async () => {
    await expect(encodePng({ ...image, width: 4 })).rejects.toThrow(
      /a 4x2 RGB image has 24 values, found 18/,
    );
  });
});

describe('withPngTexts', () => {
  it('replaces texts and leaves the rest byte for byte', async () => {
    const png = await encodePng(image, { keep: 'this', change: 'old' });
    const changed = withPngTexts(png, { change: 'new', add: 'more' });
    expect(readPngTexts(changed)).toEqual({ keep: 'this', change: 'new', add: 'more' });
    expect(withPngTexts(withPngTexts(await encodePng(image), { a: '1' }), { a: '2' })).toEqual(
      await encodePng(image, { a: '2' }),
    );
    expect(() => withPngTexts(Buffer.from('GIF89a'), {})).toThrow(/expected a PNG/);
  });
});

describe('readPngTexts', () => {
  it('refuses other formats and cut files', async () => {
    expect(() => readPngTexts(Buffer.from('GIF89a'))).toThrow(/expected a PNG/);
    const png = await encodePng(image, { key: 'a long text' });
    expect(() => readPngTexts(png.subarray(0, 50))).toThrow(/the PNG ends inside the chunk at byte 33/);
  });
});

describe('contactSheet', () => {
  it('lays images out by rows on white, smaller ones centred', () => {
    const sheet = contactSheet(
      [solidImage(3, 3, [1, 1, 1]), solidImage(1, 1, [2, 2, 2]), solidImage(3, 1, [3, 3, 3])],
      2,
    );
    expect([sheet.width, sheet.height]).toEqual([10, 10]);
    const at = (x: number, y: number) => sheet.data[(y * 10 + x) * 3];
    expect([at(0, 0), at(2, 2), at(3, 0), at(8, 1), at(7, 1), at(0, 8), at(0, 7), at(9, 9)]).toEqual([
      1, 1, 255, 2, 255, 3, 255, 255,
    ]);
  });

  it('is no wider than its images and refuses nothing to show', () => {
    expect(contactSheet([solidImage(5, 2)], 4).width).toBe(5);
    expect(() => contactSheet([], 2)).toThrow(/at least one image/);
    expect(() => contactSheet([solidImage(1, 1)], 0)).toThrow(/at least 1 column/);
  });
});
