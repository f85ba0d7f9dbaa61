/** Data folders for tests: a small character that can be broken on purpose, and the licensed data where it is present. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** The folder that holds `data/personalized_data`, or undefined on machines without the licensed data. */
export const rolescapeRoot = ['..', '../..']
  .map((up) => resolve(repository, up, 'shared/rolescape'))
  .find((path) => existsSync(path));

/** The character that comes with the project. */
export const exampleRoot = join(repository, 'examples/olmo');

/** A one-pixel PNG. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg+M/wHwAEAQH/7hZ2CQAAAABJRU5ErkJggg==',
  'base64',
);

export type Files = Record<string, string | Buffer | undefined>;

const header = { description: 'A robin that collects buttons.', opening: '' };

/** A complete little RoleScape folder, as objects that a test can change before they are written. */
export function robinFiles(): Files {
  const turns = [
    { role: 'user', text: 'What is that?' },
    { role: 'machine', text: 'A button!', image: '0' },
  ];
  const planned = [
    turns[0],
    {
      ...turns[1],
      thinking_process: 'He is proud.',
      generation_instruction: 'A robin with a button.',
      qa_pairs: [{ question: 'What bird is it?', answer: 'A robin.', type: 'objective' }],
      mcq_items: [{ id: 1, question: 'Colour?', options: { A: 'Red', B: 2 }, answer_key: 'A' }],
    },
  ];
  const talk = [turns[0], { role: 'machine', text: 'A red button!', image: '31' }];
  return {
    '0.png': PIXEL,
    'annotation.json': json({ ...header, scenes: [turns] }),
    'Robin_with_image.json': json({ ...header, scenes: [planned] }),
    'Robin_dialogue_text_extension_train.json': json({ ...header, scenes: [talk, turns] }),
    'Robin_t2i_instruction.json': json({
      ...header,
      t2i_instructions: [{ image_id: 0, t2i_instruction: 'A robin.' }],
    }),
    'Robin_knowledge_qa.json': json({
      ...header,
      qa_items: [{ id: 'qa_001', question: 'Hobby?', answer: 'Buttons.', 'reason?_steps': [] }],
    }),
    'Robin_personality_test.json': json({ ...header, test_questions: ['"Are you "shy"?"', 'Why?'] }),
  };
}

/** Writes `files` into a new folder named `name`; undefined leaves a file out. */
export async function writeFolder(files: Files, name = 'Garden-Robin'): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'character-')), name);
  await mkdir(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    if (content === undefined) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
  return folder;
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 1);
}
