/** Reads one character folder of RoleScape-20, train or test (spec 8.3, 8.5). */

import {
  type Character,
  type ChoiceQuestion,
  type Dialogue,
  emptyHeldOut,
  type HeldOut,
  type ImagePrompt,
  type KnowledgeQuestion,
  type Scene,
  type VisualQuestion,
} from '../character.js';
import { DataError } from '../errors.js';
import { checked, originOf, problemAt, readJson, readText, type Source } from '../source.js';
import { RoleScapeFolder, SUFFIX } from './folder.js';
import {
  type Header,
  readDialogueRows,
  readInstructionRows,
  readKnowledgeRows,
  readSceneRows,
  readVqaRows,
} from './processed.js';
import {
  DialogueFile,
  InstructionFile,
  KnowledgeChoiceFile,
  KnowledgeFile,
  SceneFile,
  TestQuestionFile,
} from './schemas.js';

/**
 * Reads `train/<Character>` or `test/<Character>`. The JSON files are the source; where one is missing its
 * `processed/` counterpart is used, and where both are missing the character simply has none of these records. Only a
 * description with at least one scene, dialogue or instruction is indispensable.
 *
 * Tolerated: a prefix other than the folder's name, JPEG files named `.png`, ids as numbers or strings, picture ids in
 * the text-only dialogues (they refer to nothing), test questions wrapped in quotes, unknown keys, missing files.
 * @throws DataError for malformed JSON, a missing field, a wrong type, or a scene whose picture does not exist
 */
export async function readRoleScape(path: string): Promise<Character> {
  const folder = await RoleScapeFolder.open(path);
  const scenes = await readScenes(folder);
  const dialogues = await readDialogues(folder);
  const header = await readHeader(folder, scenes.header ?? dialogues.header);
  const profile = await optionalText(folder.json('profile'));
  const personalityProfile = await optionalText(folder.json('personalityProfile'));
  const character: Character = {
    name: folder.prefix,
    ...header,
    images: folder.images,
    dialogues: dialogues.dialogues,
    scenes: scenes.scenes,
    vqa: scenes.vqa,
    knowledge: await readKnowledge(folder),
    t2i: await readInstructions(folder),
    heldOut: { ...(await readHeldOut(folder)), sceneChoices: scenes.choices },
    ...(profile === undefined ? {} : { profile }),
    ...(personalityProfile === undefined ? {} : { personalityProfile }),
    source: path,
  };
  requireImages(folder, character);
  return character;
}

interface SceneData {
  header?: Header;
  scenes: Scene[];
  vqa: VisualQuestion[];
  choices: ChoiceQuestion[];
}

async function readScenes(folder: RoleScapeFolder): Promise<SceneData> {
  const file = folder.json('scenes');
  if (file !== undefined) return scenesOfJson(await readJson(file));
  const vqaFile = folder.processed('vqa');
  const rest = { vqa: vqaFile === undefined ? [] : await readVqaRows(vqaFile), choices: [] };
  const planned = folder.processed('planned');
  if (planned !== undefined) return { ...(await readSceneRows(planned, true)), ...rest };
  const annotation = folder.find('annotation.json');
  if (annotation !== undefined) return { ...scenesOfJson(await readJson(annotation)), ...rest };
  const captions = folder.processed('captions');
  return captions === undefined
    ? { scenes: [], ...rest }
    : { ...(await readSceneRows(captions, false)), ...rest };
}

function scenesOfJson(source: Source): SceneData {
  const data = checked(SceneFile, source);
  const scenes: Scene[] = [];
  const vqa: VisualQuestion[] = [];
  const choices: ChoiceQuestion[] = [];
  data.scenes.forEach(([user, machine], i) => {
    const imageId = String(machine.image);
    const place = `/scenes/${i}/1`;
    scenes.push({
      imageId,
      user: user.text,
      reply: machine.text,
      ...(machine.thinking_process?.trim() ? { thinking: machine.thinking_process } : {}),
      ...(machine.generation_instruction?.trim() ? { instruction: machine.generation_instruction } : {}),
      origin: originOf(source, `/scenes/${i}`),
    });
    machine.qa_pairs?.forEach(({ question, answer, type }, q) => {
      const origin = originOf(source, `${place}/qa_pairs/${q}`);
      vqa.push({ imageId, question, answer, kind: type, origin });
    });
    machine.mcq_items?.forEach((item, q) => {
      choices.push({ ...choiceOf(item, source, `${place}/mcq_items/${q}`), imageId });
    });
  });
  return { header: { description: data.description, opening: data.opening }, scenes, vqa, choices };
}

async function readDialogues(folder: RoleScapeFolder): Promise<{ header?: Header; dialogues: Dialogue[] }> {
  const file = folder.json('dialogues');
  if (file !== undefined) return dialoguesOfJson(await readJson(file));
  const processed = folder.processed('dialogues') ?? folder.processed('sceneDialogues');
  return processed === undefined ? { dialogues: [] } : readDialogueRows(processed);
}

function dialoguesOfJson(source: Source): { header: Header; dialogues: Dialogue[] } {
  const data = checked(DialogueFile, source);
  const dialogues = data.scenes.map(([user, machine], i) => ({
    user: user.text,
    reply: machine.text,
    origin: originOf(source, `/scenes/${i}`),
  }));
  return { header: { description: data.description, opening: data.opening }, dialogues };
}

async function readKnowledge(folder: RoleScapeFolder): Promise<KnowledgeQuestion[]> {
  const file = folder.json('knowledge');
  if (file === undefined) {
    const processed = folder.processed('knowledge');
    return processed === undefined ? [] : readKnowledgeRows(processed);
  }
  const source = await readJson(file);
  return checked(KnowledgeFile, source).qa_items.map(({ question, answer }, i) => ({
    question,
    answer,
    origin: originOf(source, `/qa_items/${i}`),
  }));
}

async function readInstructions(folder: RoleScapeFolder): Promise<ImagePrompt[]> {
  const file = folder.json('instructions');
  if (file === undefined) {
    const processed = folder.processed('instructions');
    return processed === undefined ? [] : readInstructionRows(processed);
  }
  const source = await readJson(file);
  return checked(InstructionFile, source).t2i_instructions.map((row, i) => ({
    imageId: String(row.image_id),
    instruction: row.t2i_instruction,
    origin: originOf(source, `/t2i_instructions/${i}`),
  }));
}

async function readHeldOut(folder: RoleScapeFolder): Promise<HeldOut> {
  const heldOut = emptyHeldOut();
  const dialogues = folder.json('heldOutDialogues');
  if (dialogues !== undefined) heldOut.dialogues = dialoguesOfJson(await readJson(dialogues)).dialogues;
  const choices = folder.json('knowledgeChoices');
  if (choices !== undefined) {
    const source = await readJson(choices);
    heldOut.knowledgeChoices = checked(KnowledgeChoiceFile, source).mcq_items.map((item, i) =>
      choiceOf(item, source, `/mcq_items/${i}`),
    );
  }
  heldOut.personality = await readTestQuestions(folder.json('personality'));
  heldOut.memorization = await readTestQuestions(folder.json('memorization'));
  return heldOut;
}

async function readTestQuestions(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const { test_questions } = checked(TestQuestionFile, await readJson(file));
  return test_questions.map((question) => question.trim().replace(/^"([\s\S]*)"$/, '$1'));
}

interface ChoiceFields {
  id: string | number;
  question: string;
  options: Record<string, string | number>;
  answer_key: string;
}

function choiceOf(item: ChoiceFields, source: Source, path: string): ChoiceQuestion {
  const { id, question, answer_key: answer } = item;
  const options = Object.fromEntries(Object.entries(item.options).map(([key, text]) => [key, String(text)]));
  if (!Object.hasOwn(options, answer)) {
    const keys = Object.keys(options).map((key) => `"${key}"`);
    throw problemAt(source, `${path}/answer_key`, `one of the options ${keys.join(', ')}`, `"${answer}"`);
  }
  return { id: String(id), question, options, answer, origin: originOf(source, path) };
}

/** Description and opening: from `annotation.json` as the published interface takes them, else from what was read. */
async function readHeader(folder: RoleScapeFolder, fallback: Header | undefined): Promise<Header> {
  const file = folder.find('annotation.json');
  if (file !== undefined) {
    const { description, opening } = checked(SceneFile, await readJson(file));
    return { description, opening };
  }
  if (fallback) return fallback;
  throw new DataError({
    file: folder.path,
    expected: `annotation.json or <Name>${SUFFIX.scenes}, with the character's description and scenes`,
    found:
      folder.images.length > 0 ? `${folder.images.length} pictures and neither of these` : 'neither of these',
    advice:
      'give the folder of one character (train/<Character>), or write a character.yaml beside the pictures',
  });
}

function requireImages(folder: RoleScapeFolder, character: Character): void {
  const ids = new Set(character.images.map((image) => image.id));
  for (const record of [...character.scenes, ...character.vqa, ...character.t2i]) {
    if (ids.has(record.imageId)) continue;
    const { file, field } = record.origin ?? { file: folder.path, field: '' };
    throw new DataError({
      file,
      path: field,
      expected: `a picture ${record.imageId}.png in ${folder.path}`,
      found: ids.size === 0 ? 'no pictures at all' : `the pictures ${[...ids].join(', ')}`,
      advice: 'add the picture or correct the id',
    });
  }
}

async function optionalText(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readText(file)).trim();
}
