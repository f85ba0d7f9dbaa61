/**
 * Reads records back from the `processed/` files (spec 8.4), for copies of the data that lack the JSON they were made
 * from. The rows are whole prompts; the layout of spec 6.8 says where the fields begin and end.
 */

import { basename, extname } from 'node:path';
import type { TSchema } from 'typebox';
import type { Dialogue, ImagePrompt, KnowledgeQuestion, Scene, VisualQuestion } from '../character.js';
import { checked, originOf, problemAt, readJsonLines, type Source } from '../source.js';
import { ConversationRow, PictureRow } from './schemas.js';

/** The description and opening that every prompt of a file repeats. */
export interface Header {
  description: string;
  opening: string;
}

const DIALOGUE =
  /^Character Description: ([\s\S]*?)\n\nOpening: ([\s\S]*?)\n\nUser Input: ([\s\S]*)\n\n([\s\S]+)$/;
const CAPTION =
  /^Character Description: ([\s\S]*?)\n\nUser Input: ([\s\S]*?)\n\nCharacter Response: ([\s\S]*)\n\n([\s\S]+)$/;
const PLANNED =
  /^Character Description: ([\s\S]*?)\n\nUser Input: ([\s\S]*?)\n\nCharacter Response: ([\s\S]*?)\n\nThinking Process: ([\s\S]*?)\n\nGeneration Instruction: ([\s\S]*)\n\n([\s\S]+)$/;

/** `processed/vlm/<P>_vlm_extension.jsonl` */
export async function readDialogueRows(file: string): Promise<{ header?: Header; dialogues: Dialogue[] }> {
  const rows = await readRows(file, ConversationRow);
  const parsed = rows.map(({ source, row }) => {
    const [prompt, reply] = row.conversations;
    const [, description = '', opening = '', user = ''] = match(
      DIALOGUE,
      prompt.value,
      source,
      '/conversations/0/value',
    );
    const dialogue: Dialogue = { user, reply: reply.value, origin: lineOf(source) };
    return { header: { description, opening }, dialogue };
  });
  const header = parsed[0]?.header;
  return { ...(header ? { header } : {}), dialogues: parsed.map(({ dialogue }) => dialogue) };
}

/** `processed/t2i/<P>_t2i_with_thinking.jsonl` or, with `planned` false, `<P>_t2i.jsonl` */
export async function readSceneRows(
  file: string,
  planned: boolean,
): Promise<{ header?: Header; scenes: Scene[] }> {
  const rows = await readRows(file, PictureRow);
  const parsed = rows.map(({ source, row }) => {
    const fields = match(planned ? PLANNED : CAPTION, row.text, source, '/text');
    const [, description = '', user = '', reply = '', thinking = '', instruction = ''] = fields;
    const plan = planned ? { thinking, instruction } : {};
    const scene: Scene = { imageId: imageIdOf(row.image), user, reply, ...plan, origin: lineOf(source) };
    return { header: { description, opening: '' }, scene };
  });
  const header = parsed[0]?.header;
  return { ...(header ? { header } : {}), scenes: parsed.map(({ scene }) => scene) };
}

/** `processed/t2i/<P>_pure_t2i.jsonl` */
export async function readInstructionRows(file: string): Promise<ImagePrompt[]> {
  const rows = await readRows(file, PictureRow);
  return rows.map(({ source, row }) => ({
    imageId: imageIdOf(row.image),
    instruction: row.text,
    origin: lineOf(source),
  }));
}

/** `processed/vlm/<P>_knowledge_qa.jsonl` */
export async function readKnowledgeRows(file: string): Promise<KnowledgeQuestion[]> {
  const rows = await readRows(file, ConversationRow);
  return rows.map(({ source, row: { conversations } }) => ({
    question: conversations[0].value,
    answer: conversations[1].value,
    origin: lineOf(source),
  }));
}

/** `processed/vlm/<P>_vqa.jsonl` */
export async function readVqaRows(file: string): Promise<VisualQuestion[]> {
  const rows = await readRows(file, ConversationRow);
  return rows.map(({ source, row }) => {
    const [prompt, answer] = row.conversations;
    if (row.image === undefined) {
      throw problemAt(source, '', 'the field "image"', 'a row without it', 'add the path of the picture');
    }
    return {
      imageId: imageIdOf(row.image),
      question: prompt.value.replace(/^<image>\n?/, ''),
      answer: answer.value,
      kind: row.qa_type ?? 'objective',
      origin: lineOf(source),
    };
  });
}

async function readRows<S extends TSchema>(file: string, schema: S) {
  const sources = await readJsonLines(file);
  return sources.map((source) => ({ source, row: checked(schema, source) }));
}

function match(pattern: RegExp, text: string, source: Source, path: string): RegExpExecArray {
  const fields = pattern.exec(text);
  if (fields) return fields;
  const labels = [...pattern.source.matchAll(/[A-Z][A-Za-z ]+:/g)].map((label) => `"${label[0]}"`);
  const found = `a text that begins with ${JSON.stringify(text.slice(0, 40))}`;
  throw problemAt(source, path, `a prompt with the labels ${labels.join(', ')} in this order`, found);
}

/** `personalized_data/train/Bo/11.png` -> `11` */
function imageIdOf(path: string): string {
  return basename(path, extname(path));
}

function lineOf(source: Source) {
  return originOf(source, `line ${source.locate('')?.line ?? 1}`);
}
