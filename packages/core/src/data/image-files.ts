/** The pictures of a data folder. */

import { open, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ImageRef } from './character.js';
import { DataError } from './errors.js';

/** File name extensions that count as pictures; what the file really holds is decided by its first bytes. */
const EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.webp']);

/**
 * All pictures of `folder`, sorted by number where the names are numbers, otherwise by name.
 * @throws DataError when two files share one id (`3.png` and `3.jpg`), or a file holds no PNG, JPEG or WebP
 */
export async function listImages(folder: string): Promise<ImageRef[]> {
  const files = (await readdir(folder)).filter((name) => EXTENSIONS.has(extname(name).toLowerCase()));
  const images = new Map<string, ImageRef>();
  for (const name of files.sort(byNumberThenName)) {
    const id = name.slice(0, -extname(name).length);
    const path = join(folder, name);
    const other = images.get(id);
    if (other) {
      throw new DataError({
        file: path,
        expected: `one picture with the id "${id}"`,
        found: `a second one, ${other.path}`,
        advice: 'rename or remove one of the two',
      });
    }
    await requireImageBytes(path);
    images.set(id, { id, path });
  }
  return [...images.values()];
}

function byNumberThenName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The published data names JPEG files `.png`, so the extension proves nothing. */
async function requireImageBytes(path: string): Promise<void> {
  const file = await open(path);
  const head = Buffer.alloc(12);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const isPng = head.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n';
  const isJpeg = head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;
  const isWebp = head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP';
  if (isPng || isJpeg || isWebp) return;
  throw new DataError({
    file: path,
    expected: 'a PNG, JPEG or WebP picture',
    found: `a file that starts with the bytes ${head.toString('hex', 0, 8)}`,
    advice: 'export the picture again or remove it (a file that begins with "version" is a Git LFS pointer)',
  });
}
