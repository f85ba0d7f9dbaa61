import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../data/errors.js';
import { readText } from '../data/source.js';
import { DEFAULT_PROMPTS, PROMPT_NAMES, type PromptName } from './default-prompts.js';

export type Prompts = Readonly<Record<PromptName, string>>;

const fileOf = (folder: string, name: PromptName): string => join(folder, `${name}.md`);

/** The prompts of a folder; what is not there is as the project words it. @throws DataError for an empty file */
export async function readPrompts(folder: string): Promise<Prompts> {
  const entries = PROMPT_NAMES.map(async (name) => {
    const file = fileOf(folder, name);
    if (!existsSync(file)) return [name, DEFAULT_PROMPTS[name]] as const;
    const text = (await readText(file)).trim();
    if (text === '') throw promptError(file, 'a prompt', 'an empty file');
    return [name, text] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Prompts;
}

/** The prompts as files, by path below the folder of the annotation. */
export const promptTexts = (): Record<string, string> =>
  Object.fromEntries(PROMPT_NAMES.map((name) => [`${name}.md`, `${DEFAULT_PROMPTS[name]}\n`]));

/**
 * A prompt with its gaps filled.
 * @throws DataError for a gap that nothing is known for, naming those that there are
 */
export function filled(
  prompts: Prompts,
  name: PromptName,
  values: Readonly<Record<string, string | number>>,
): string {
  return prompts[name].replace(/\{([a-z_]+)\}/g, (gap, key: string) => {
    if (Object.hasOwn(values, key)) return String(values[key]);
    const known = Object.keys(values).map((one) => `{${one}}`);
    throw promptError(`${name}.md`, `one of the gaps ${known.join(', ')}`, gap);
  });
}

const promptError = (file: string, expected: string, found: string) =>
  new DataError({
    file,
    expected,
    found,
    advice: 'correct the prompt, or delete the file to have the default again',
  });
