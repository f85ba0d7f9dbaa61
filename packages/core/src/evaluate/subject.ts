import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Character, readCharacter, readTestSplit } from '../data/index.js';
import { decodeImage } from '../image/index.js';
import type { SpokenLine } from '../reward/index.js';
import { RunError } from '../run/run-error.js';
import { readToyTruth, type ToyTruth } from './toy-truth.js';

/** Everything about one character that its evaluation asks and compares with. */
export interface Subject {
  /** What it was trained on, with its held-out questions. */
  readonly character: Character;
  /** Its test pictures; undefined when the data has no test split. */
  readonly test: Character | undefined;
  /** Longest side of its first picture in pixels; 0 without pictures. */
  readonly pictureSide: number;
  /** Ground truth of the test pictures; toy world only. */
  readonly truth: ToyTruth | undefined;
  /** Lines of this character and of the others in the data set, for the classifier of who speaks. */
  readonly lines: readonly SpokenLine[];
}

/**
 * Reads the data of an evaluation from a character's training folder, its test split beside it and the dialogues of the
 * characters around it.
 *
 * @throws RunError when the folder is not there; DataError as the readers of data
 */
export async function readSubject(folder: string): Promise<Subject> {
  if (!(await stat(folder).catch(() => undefined))) {
    throw new RunError(
      `${folder}: expected the folder of the character that is evaluated, found nothing; name it with --data`,
    );
  }
  const character = await readCharacter(folder);
  const test = await readTestSplit(folder);
  const truth = test && (await readToyTruth(test.source));
  const [first] = character.images;
  const { width, height } = first ? await decodeImage(first.path) : { width: 0, height: 0 };
  return {
    character,
    test,
    pictureSide: Math.max(width, height),
    truth,
    lines: await linesAround(folder, character),
  };
}

const linesOf = ({ name, dialogues, scenes }: Character): SpokenLine[] =>
  [...dialogues, ...scenes].map(({ reply }) => ({ character: name, text: reply }));

/** Characters are told apart within their data set: the folders beside this one. */
async function linesAround(folder: string, character: Character): Promise<SpokenLine[]> {
  const parent = dirname(resolve(folder));
  const lines = linesOf(character);
  if (!/train$/.test(parent)) return lines;
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const other = join(parent, entry.name);
    if (!entry.isDirectory() || other === resolve(folder)) continue;
    lines.push(...linesOf(await readCharacter(other)));
  }
  return lines;
}
