import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import {
  buildTasks,
  type Character,
  dialoguePrompt,
  type Item,
  type PromptTemplates,
  readRoleScape,
  recoverPublishedTemplates,
  type Task,
} from '../../data/index.js';
import type { CaseRunner, Extra } from '../case.js';
import type { CaseEntry } from '../golden.js';

interface TextHash {
  readonly sha256: string;
  readonly characters: number;
  readonly utf8_bytes: number;
}

interface Row {
  readonly character_folder: string;
  readonly split: 'train' | 'test';
  readonly kind: string;
  readonly row: number;
  readonly image?: string;
  readonly prompt: TextHash;
  readonly target: TextHash | 'image';
}

/** The prompt of a row of a data set file, and what the model has to produce: a text, or the picture of an id. */
interface Rendered {
  readonly prompt: string;
  readonly target: string | null;
  readonly imageId: string | null;
}

/** Prompts rendered from the user's copy of the data in the published wording, as lengths and hashes (spec 6.8). */
export const datasetPromptCase: CaseRunner = async (golden, entry: CaseEntry) => {
  const { rows } = golden.json<{ rows: Row[] }>(entry.file);
  const data = golden.roleScape;
  const extras: Extra[] = [];
  const folders = new Map<string, Promise<ReadonlyMap<string, Rendered[]>>>();
  let skipped = 0;
  for (const row of rows) {
    const folder = join(data, row.split, row.character_folder);
    if (!existsSync(folder)) {
      skipped += 1;
      continue;
    }
    const training = join(data, 'train', row.character_folder);
    if (!folders.has(folder)) folders.set(folder, renderFolder(folder, training));
    const rendered = (await folders.get(folder))?.get(row.kind)?.[row.row];
    if (!rendered) throw new Error(`${folder}: expected row ${row.row} of ${row.kind}, found none`);
    extras.push(...comparisons(`${row.character_folder}/${row.split}/${row.kind}/${row.row}`, row, rendered));
  }
  return { outputs: {}, extras, skipped };
};

async function renderFolder(folder: string, training: string): Promise<ReadonlyMap<string, Rendered[]>> {
  const templates = await recoverPublishedTemplates(training);
  const character = await readRoleScape(folder);
  const ofTask = (task: Task) => renderTask(character, task, templates);
  const { name, description, opening } = character;
  return new Map([
    [
      'vlm',
      character.scenes.map(({ user, reply }) => ({
        prompt: dialoguePrompt({ name, description, opening, user }, templates),
        target: reply,
        imageId: null,
      })),
    ],
    ['vlm_extension', ofTask('dialogue')],
    ['vlm_thinking', ofTask('thinking')],
    ['knowledge_qa', ofTask('knowledge_qa')],
    ['vqa', ofTask('vqa')],
    ['t2i', ofTask('t2i')],
    ['t2i_with_thinking', ofTask('t2i_with_thinking')],
    ['pure_t2i', ofTask('t2i_instruction')],
    [
      't2i_generation_instruction_only',
      character.scenes.map(({ instruction = '', imageId }) => ({
        prompt: instruction,
        target: null,
        imageId,
      })),
    ],
  ]);
}

function renderTask(character: Character, task: Task, templates: PromptTemplates): Rendered[] {
  const samples = hasData(character, task) ? buildTasks(character, { [task]: 1 }, templates) : [];
  return samples.map(({ items }) => {
    const images = items.flatMap((item) => (item.kind === 'text' ? [] : [item.image.id]));
    return {
      prompt: items.filter(isCondition).map(asPromptText).join(''),
      target: items.flatMap((item) => (item.kind === 'text' && item.loss ? [item.text] : []))[0] ?? null,
      imageId: images[0] ?? null,
    };
  });
}

function hasData({ dialogues, scenes, knowledge, vqa, t2i }: Character, task: Task): boolean {
  const records = { dialogue: [...dialogues, ...scenes], knowledge_qa: knowledge, vqa, t2i_instruction: t2i };
  return (records[task as keyof typeof records] ?? scenes).length > 0;
}

const isCondition = (item: Item) => item.kind === 'vit' || (item.kind === 'text' && !item.loss);

/** In the files a picture to look at is written `<image>` (spec 6.4). */
const asPromptText = (item: Item) => (item.kind === 'text' ? item.text : '<image>');

function comparisons(name: string, row: Row, { prompt, target, imageId }: Rendered): Extra[] {
  const texts = [textComparison(`${name} prompt`, prompt, row.prompt)];
  if (row.target !== 'image') texts.push(textComparison(`${name} target`, target ?? '', row.target));
  if (row.image !== undefined) {
    const stored = basename(row.image, extname(row.image));
    texts.push(exact(`${name} image`, codes(imageId ?? ''), codes(stored)));
  }
  return texts;
}

function textComparison(name: string, text: string, stored: TextHash): Extra {
  const own = [...createHash('sha256').update(text).digest(), [...text].length, Buffer.byteLength(text)];
  return exact(name, own, [...Buffer.from(stored.sha256, 'hex'), stored.characters, stored.utf8_bytes]);
}

const exact = (name: string, own: number[], stored: number[]): Extra => ({
  name,
  own,
  stored,
  tolerance: { max_difference: 0 },
});

const codes = (text: string) => Array.from(text, (character) => character.codePointAt(0) as number);
