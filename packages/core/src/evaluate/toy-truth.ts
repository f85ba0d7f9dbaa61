import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { TRUTH_FILE } from '../data/index.js';
import { checked, readJson } from '../data/source.js';

const Words = Type.Record(Type.String(), Type.String());

const TruthFile = Type.Object({
  /** Visible attributes of the character. */
  look: Words,
  style: Type.Object({
    person: Type.String(),
    register: Type.String(),
    opener: Type.String(),
    address: Type.String(),
  }),
  /** Visible attributes of each picture's scene, by number of the picture. */
  scenes: Type.Array(Words),
});

/** What the pictures of a toy-world folder show, and how its character talks. */
export type ToyTruth = Static<typeof TruthFile>;

/**
 * Reads `toy_world.json` of a character's folder.
 * @returns undefined when the folder has none: its pictures are not of the toy world
 * @throws DataError naming file and field
 */
export async function readToyTruth(folder: string): Promise<ToyTruth | undefined> {
  const file = join(folder, TRUTH_FILE);
  if (!(await stat(file).catch(() => undefined))) return undefined;
  return checked(TruthFile, await readJson(file));
}

/** Whether the pictures of a character's folder are of the toy world. */
export function isToyWorld(folder: string): boolean {
  return existsSync(join(folder, TRUTH_FILE));
}
