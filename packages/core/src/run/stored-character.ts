import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Character } from '../data/index.js';
import { encodePng, type RgbImage } from '../image/index.js';
import { writeFileAtomic } from './atomic-write.js';
import { RunError } from './run-error.js';
import { RunFolder } from './run-folder.js';

const CARD = 'character.json';

/**
 * Keeps the character with its run: `character/character.json`, and every picture as the model saw it as
 * `character/<id>.png`. A run can be moved to another machine without the data folder.
 */
export async function storeCharacter(
  run: RunFolder,
  character: Character,
  pictures: ReadonlyMap<string, RgbImage>,
): Promise<void> {
  const images = character.images.map(({ id }) => ({ id, path: `${id}.png` }));
  for (const { id, path } of images) {
    const picture = pictures.get(id);
    if (picture) writeFileAtomic(join(run.character, path), await encodePng(picture));
  }
  writeFileAtomic(join(run.character, CARD), `${JSON.stringify({ ...character, images }, null, 1)}\n`);
}

/** Reads the character of a run. @throws RunError when the run has none or it is damaged. */
export function storedCharacter(run: RunFolder): Character {
  const path = join(run.character, CARD);
  if (!existsSync(path)) throw new RunError(`${run.root} holds no finished run: expected ${path}`);
  try {
    const character = JSON.parse(run.read(path)) as Character;
    const images = character.images.map((image) => ({ ...image, path: join(run.character, image.path) }));
    return { ...character, images };
  } catch (error) {
    throw new RunError(`${path}: expected the JSON of a character; train again to write it anew`, {
      cause: error,
    });
  }
}

/** The character of a run folder, without loading its weights. @throws RunError as {@link storedCharacter} */
export function characterOfRun(dir: string): Character {
  return storedCharacter(new RunFolder(dir));
}
