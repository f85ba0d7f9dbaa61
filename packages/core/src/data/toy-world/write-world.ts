/** Writes toy characters as folders in the layout of RoleScape-20. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileTexts } from '../rolescape/character-files.js';
import { scenePng } from './drawing/index.js';
import { grpoFiles, testFiles, trainFiles } from './rolescape-files.js';
import type { IllustratedScene, ToyCharacter } from './toy-character.js';

/** Folders of a data set, relative to its root (spec 8.1). */
export const WORLD_FOLDERS = {
  train: 'data/personalized_data/train',
  test: 'data/personalized_data/test',
  prompts: 'flow_grpo/dataset/personalized_t2i',
} as const;

/**
 * Writes one character below `root`: `train/<Name>`, `test/<Name>` and the prompts of Character-GRPO, whose folder also
 * holds the training pictures as references. Each folder appears under its name only when it is complete; one that was
 * there is replaced.
 *
 * @param size side of the pictures in pixels
 */
export async function writeToyCharacter(root: string, character: ToyCharacter, size: number): Promise<void> {
  const { name } = character.persona;
  const draw = (scenes: readonly IllustratedScene[]) =>
    Promise.all(scenes.map(({ scene }) => scenePng(character.look, scene, size)));
  const pictures = await draw(character.train);
  await replaceFolder(join(root, WORLD_FOLDERS.train, name), trainFiles(character), pictures);
  await replaceFolder(join(root, WORLD_FOLDERS.test, name), testFiles(character), await draw(character.test));
  await replaceFolder(join(root, WORLD_FOLDERS.prompts, name), grpoFiles(character), pictures);
}

async function replaceFolder(path: string, texts: FileTexts, pictures: readonly Buffer[]): Promise<void> {
  const temporary = `${path}.${process.pid}.partial`;
  const files: [string, string | Buffer][] = [
    ...Object.entries(texts),
    ...pictures.map((png, i): [string, Buffer] => [`${i}.png`, png]),
  ];
  try {
    for (const [name, content] of files) {
      const file = join(temporary, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
