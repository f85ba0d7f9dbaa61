/** What lies in a RoleScape character folder: file names, the prefix they share, and the pictures. */

import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ImageRef } from '../character.js';
import { DataError } from '../errors.js';
import { listImages } from '../image-files.js';

/** What follows the prefix `<P>` in the file names of spec 8.3. */
export const SUFFIX = {
  scenes: '_with_image.json',
  dialogues: '_dialogue_text_extension_train.json',
  heldOutDialogues: '_dialogue_text_extension_test.json',
  instructions: '_t2i_instruction.json',
  knowledge: '_knowledge_qa.json',
  knowledgeChoices: '_knowledge_qa_test.json',
  personality: '_personality_test.json',
  memorization: '_memorization_test.json',
  profile: '_full_profile.txt',
  personalityProfile: '_personality_simplified_profile.txt',
} as const;

/** What follows `<P>` in the `processed/` folder (spec 8.4). */
export const PROCESSED = {
  captions: 't2i/{P}_t2i.jsonl',
  planned: 't2i/{P}_t2i_with_thinking.jsonl',
  instructions: 't2i/{P}_pure_t2i.jsonl',
  dialogues: 'vlm/{P}_vlm_extension.jsonl',
  sceneDialogues: 'vlm/{P}_vlm.jsonl',
  plans: 'vlm/{P}_vlm_thinking.jsonl',
  knowledge: 'vlm/{P}_knowledge_qa.jsonl',
  vqa: 'vlm/{P}_vqa.jsonl',
} as const;

export class RoleScapeFolder {
  private constructor(
    readonly path: string,
    /** `<P>`, the character's name; often not the name of the folder. */
    readonly prefix: string,
    readonly images: ImageRef[],
    private readonly files: Set<string>,
  ) {}

  static async open(path: string): Promise<RoleScapeFolder> {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) {
      throw new DataError({
        file: path,
        expected: 'a character folder',
        found: found ? 'a file' : 'nothing',
        advice: 'give the folder that holds the pictures and annotation.json, for example train/<Character>',
      });
    }
    const top = (await readdir(path)).filter((name) => !name.startsWith('.'));
    const processed = await Promise.all(['t2i', 'vlm'].map((part) => listProcessed(path, part)));
    const files = new Set([...top, ...processed.flat()]);
    return new RoleScapeFolder(path, prefixOf(path, files), await listImages(path), files);
  }

  /** Path of the first of `names` that exists; `{P}` stands for the prefix. */
  find(...names: string[]): string | undefined {
    const name = names.map((pattern) => pattern.replace('{P}', this.prefix)).find((n) => this.files.has(n));
    return name === undefined ? undefined : join(this.path, name);
  }

  json(part: keyof typeof SUFFIX): string | undefined {
    return this.find(`{P}${SUFFIX[part]}`);
  }

  processed(part: keyof typeof PROCESSED): string | undefined {
    return this.find(`processed/${PROCESSED[part]}`);
  }
}

async function listProcessed(path: string, part: string): Promise<string[]> {
  const names = await readdir(join(path, 'processed', part)).catch((): string[] => []);
  return names.map((name) => `processed/${part}/${name}`);
}

function prefixOf(path: string, files: Set<string>): string {
  const patterns = [
    ...Object.values(SUFFIX).map((suffix) => ({ before: '', after: suffix })),
    ...Object.values(PROCESSED).map((pattern) => {
      const [before = '', after = ''] = pattern.split('{P}');
      return { before: `processed/${before}`, after };
    }),
  ].sort((a, b) => b.after.length - a.after.length);
  const prefixes = new Set<string>();
  for (const file of files) {
    const match = patterns.find(({ before, after }) => file.startsWith(before) && file.endsWith(after));
    if (match) prefixes.add(file.slice(match.before.length, -match.after.length));
  }
  if (prefixes.size > 1) {
    const list = [...prefixes].sort().map((prefix) => `"${prefix}"`);
    throw new DataError({
      file: path,
      expected: `files of one character, all starting with one name (<Name>${SUFFIX.scenes} …)`,
      found: `the names ${list.join(', ')}`,
      advice: 'rename the files to one prefix or move the others into a folder of their own',
    });
  }
  return [...prefixes][0] ?? basename(path);
}
