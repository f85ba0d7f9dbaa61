import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { decodeImage, type RgbImage } from '../../image/index.js';
import { hashBytes } from '../../tensor-io/content-hash.js';
import { type ReferencePictures, RewardError } from '../reward-model.js';

/** File name extensions that count as pictures of a reference folder. */
const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.bmp', '.webp']);

/** A reference picture under the hash of its content. */
export interface ReferencePicture {
  readonly name: string;
  /** SHA-256 of the file, or of size and values of a picture that is no file. */
  readonly sha256: string;
  readonly image: RgbImage;
}

export interface ReferenceSet {
  readonly pictures: readonly ReferencePicture[];
  /** Files that could not be decoded, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * The pictures of a character. In a folder, files with the extension of a picture count, sorted by name (code units);
 * alpha is dropped without compositing. A file that cannot be decoded is left out and reported (rewards specification §4).
 *
 * @throws RewardError when the folder cannot be read or no picture is left
 */
export async function readReferences(references: ReferencePictures): Promise<ReferenceSet> {
  if (typeof references === 'string') return readFolder(references);
  if (references.length === 0) throw new RewardError('expected at least one reference picture, found none');
  const pictures = references.map((image, i) => ({
    name: `picture ${i}`,
    sha256: hashBytes(Buffer.from(`${image.width}x${image.height}:`), image.data),
    image,
  }));
  return { pictures, skipped: [] };
}

async function readFolder(folder: string): Promise<ReferenceSet> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new RewardError(`${folder}: expected a folder of reference pictures (${String(cause)})`, { cause });
  }
  const pictures: ReferencePicture[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const name of names.filter((name) => EXTENSIONS.has(extname(name).toLowerCase())).sort()) {
    try {
      const bytes = await readFile(join(folder, name));
      const image = await decodeImage(bytes, { name, transparency: 'drop' });
      pictures.push({ name, sha256: hashBytes(bytes), image });
    } catch (error) {
      skipped.push({ name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (pictures.length === 0) {
    throw new RewardError(
      `${folder}: expected a picture (${[...EXTENSIONS].join(' ')}), found ` +
        (skipped.length === 0
          ? 'none'
          : `only damaged ones: ${skipped.map(({ reason }) => reason).join('; ')}`),
    );
  }
  return { pictures, skipped };
}
