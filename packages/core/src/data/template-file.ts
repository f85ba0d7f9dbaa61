/** Prompt templates as a file beside a model or a run: what `unicharacter templates recover` writes. */

import { readFileSync } from 'node:fs';
import { DataError } from './errors.js';
import { ownTemplates, type PromptTemplates } from './prompt-templates.js';

/** File name of the templates of a run. */
export const TEMPLATES_FILE = 'templates.json';

/** Where the character's name goes. */
const NAME = '{name}';

const TEXTS = ['image', 'plannedImage', 'plan', 'answerSystem', 'imageSystem', 'planSystem'] as const;

/** The templates as JSON; `{name}` stands for the character in `reply`. */
export function encodeTemplates(templates: PromptTemplates): string {
  const texts = Object.fromEntries(TEXTS.map((key) => [key, templates[key]]));
  return `${JSON.stringify({ reply: templates.reply(NAME), ...texts }, null, 2)}\n`;
}

/** Reads a file of `encodeTemplates`; a sentence that it lacks keeps the project's wording. @throws DataError */
export function readTemplates(file: string): PromptTemplates {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw templateError(file, '', 'a JSON object of sentences', (error as Error).message);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw templateError(file, '', 'a JSON object of sentences', JSON.stringify(content));
  }
  for (const [key, value] of Object.entries(content)) {
    const known = key === 'reply' || TEXTS.some((name) => name === key);
    if (!known) throw templateError(file, `/${key}`, `one of reply, ${TEXTS.join(', ')}`, `"${key}"`);
    if (typeof value !== 'string') throw templateError(file, `/${key}`, 'a text', JSON.stringify(value));
  }
  const { reply, ...texts } = content as Record<string, string>;
  return {
    ...ownTemplates,
    ...texts,
    ...(reply === undefined ? {} : { reply: (name: string) => reply.replaceAll(NAME, () => name) }),
  };
}

const templateError = (file: string, path: string, expected: string, found: string) =>
  new DataError({ file, path, expected, found, advice: 'recover the templates again or correct the file' });
