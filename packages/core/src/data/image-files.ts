/** The pictures of a data folder. */

import { open, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ACCEPTED_FORMATS, firstBytes, isAccepted, sniff } from '../image/sniff.js';
import type { ImageRef } from './character.js';
import { DataError } from './errors.js';

/** File name extensions that count as pictures; what the file really holds is decided by its first bytes. */
const EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif']);

/**
 * All pictures of `folder`, sorted by number where the names are numbers, otherwise by name.
 * @throws DataError when two files share one id (`3.png` and `3.jpg`), or a file is no picture
 */
export async function listImages(folder: string): Promise<ImageRef[]> {
  const files = (await readdir(folder)).filter(
    (name) => !name.startsWith('.') && EXTENSIONS.has(extname(name).toLowerCase()),
  );
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
  const head = new Uint8Array(32);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const format = sniff(head);
  if (isAccepted(format)) return;
  throw new DataError({
    file: path,
    expected: `a picture (${ACCEPTED_FORMATS.join(', ')})`,
    found: `${format ?? 'unknown content'} (first bytes ${firstBytes(head)})`,
    advice: 'export the picture again or remove it',
  });
}
