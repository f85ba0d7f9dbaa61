/**
 * Recovers the sentences that the published UniCharacter checkpoints were trained on from the user's own copy of the
 * data (spec appendix P). They are not the project's to ship; their lengths and hashes tell whether they were found.
 */

import { createHash } from 'node:crypto';
import { DataError } from '../errors.js';
import { ownTemplates, type PromptTemplates } from '../prompt-templates.js';
import { checked, problemAt, readJsonLines, type Source } from '../source.js';
import { PROCESSED, RoleScapeFolder } from './folder.js';
import { ConversationRow, PictureRow } from './schemas.js';

interface Sentence {
  id: string;
  part: keyof typeof PROCESSED;
  /** The sentence is what follows the last of these in the first row. */
  after: string;
  length: number;
  /** First 16 hexadecimal digits of the SHA-256 of its UTF-8 bytes. */
  sha256: string;
}

const T1: Sentence = {
  id: 'T1',
  part: 'sceneDialogues',
  after: '\n\n',
  length: 146,
  sha256: '964426fc753be171',
};
const T2: Sentence = { id: 'T2', part: 'captions', after: '\n\n', length: 137, sha256: 'dc5b6b6a623476c8' };
const T3: Sentence = { id: 'T3', part: 'planned', after: '\n\n', length: 183, sha256: '653b7fc24d3c28b4' };
const P3: Sentence = {
  id: 'P3',
  part: 'plans',
  after: 'System Instruction for Thinking and Generation:\n',
  length: 610,
  sha256: 'c63135060507214c',
};

/**
 * The published wording of T1, T2, T3 and P3, found in the `processed/` files of a training folder. T4, P1 and P2 are
 * in no data file; they keep the project's wording.
 * @throws DataError when a file is missing or holds another sentence
 */
export async function recoverPublishedTemplates(folder: string): Promise<PromptTemplates> {
  const opened = await RoleScapeFolder.open(folder);
  const image = await recover(opened, T2);
  const plannedImage = await recover(opened, T3);
  const reply = await recover(opened, T1, (text) => text.replace(opened.prefix, '{name}'));
  const planSystem = await recover(opened, P3);
  return {
    ...ownTemplates,
    reply: (name) => reply.replace('{name}', () => name),
    image,
    plannedImage,
    planSystem,
  };
}

async function recover(
  folder: RoleScapeFolder,
  sentence: Sentence,
  generalise = (text: string): string => text,
): Promise<string> {
  const file = folder.processed(sentence.part);
  const source = file === undefined ? undefined : (await readJsonLines(file))[0];
  if (!source) {
    throw new DataError({
      file: folder.path,
      expected: `processed/${PROCESSED[sentence.part].replace('{P}', folder.prefix)}`,
      found: file === undefined ? 'nothing' : 'an empty file',
      advice: 'give a complete RoleScape-20 training folder; the published wording is read from it',
    });
  }
  const { prompt, path } = promptOf(source, sentence.part);
  const text = generalise(prompt.slice(prompt.lastIndexOf(sentence.after) + sentence.after.length));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  if (digest === sentence.sha256) return text;
  const expected = `the published sentence ${sentence.id} (${sentence.length} characters, SHA-256 ${sentence.sha256}…)`;
  const found = `${text.length} characters with ${digest}…`;
  throw problemAt(source, path, expected, found, 'use an unchanged copy of the published data');
}

function promptOf(source: Source, part: keyof typeof PROCESSED): { prompt: string; path: string } {
  if (part === 'captions' || part === 'planned') {
    return { prompt: checked(PictureRow, source).text, path: '/text' };
  }
  return { prompt: checked(ConversationRow, source).conversations[0].value, path: '/conversations/0/value' };
}
