/** The one door to character data: decides what kind of folder it is and reads it. */

import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Character } from './character.js';
import { DataError } from './errors.js';
import { findCharacterYaml, readPlainFolder } from './plain-folder.js';
import { readRoleScape } from './rolescape/reader.js';

/**
 * Reads a character folder: a plain folder when it holds `character.yaml`, otherwise RoleScape's layout.
 * @throws DataError that names file, line and field of the first thing that is wrong
 */
export async function readCharacter(folder: string): Promise<Character> {
  const yamlFile = await findCharacterYaml(folder);
  if (yamlFile !== undefined) return readPlainFolder(folder, yamlFile);
  const inside = await readdir(join(folder, 'train')).catch((): string[] => []);
  if (inside.length > 0) {
    throw new DataError({
      file: folder,
      expected: 'the folder of one character',
      found: `a data set with the training folders ${inside.join(', ')}`,
      advice: `give one of them, for example ${join(folder, 'train', inside[0] ?? '')}`,
    });
  }
  return readRoleScape(folder);
}

/**
 * Reads the test split that belongs to a RoleScape training folder: `…/test/<Character>` beside `…/train/<Character>`.
 * @returns undefined when there is none
 */
export async function readTestSplit(trainFolder: string): Promise<Character | undefined> {
  const split = dirname(trainFolder);
  const folder = join(dirname(split), 'test', basename(trainFolder));
  if (basename(split) !== 'train' || !(await stat(folder).catch(() => undefined))) return undefined;
  return readRoleScape(folder);
}
