import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageRef } from '../data/character.js';
import { DataError } from '../data/errors.js';
import { listImages } from '../data/image-files.js';
import { type InspectionReport, inspectFolder } from '../data/inspect/index.js';
import { promptFiles, sceneFiles, trainingFiles } from '../data/rolescape/character-files.js';
import { SUFFIX } from '../data/rolescape/folder.js';
import { WORLD_FOLDERS } from '../data/toy-world/index.js';
import {
  AnswerStore,
  type AskOptions,
  askAll,
  type ChatEndpoint,
  type CostEstimate,
  estimateCost,
  type Usage,
} from '../endpoint/index.js';
import { decodeImage, encodePng, sniff } from '../image/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import { type Annotated, assemble } from './assemble.js';
import { type AnnotationPlan, type AnnotationSizes, planAnnotation, questionsOf } from './plan-annotation.js';
import type { AnnotationProfile } from './profile.js';
import { promptTexts, readPrompts } from './prompt-files.js';
import { WrittenFiles } from './written-files.js';

export interface AnnotationOptions {
  readonly profile: AnnotationProfile;
  /** Folder of pictures to train on. */
  readonly pictures: string;
  /** Folder of pictures that are never trained on; becomes the test split. */
  readonly testPictures?: string | undefined;
  /** Root of the data set that is written. */
  readonly out: string;
  readonly sizes: AnnotationSizes;
}

export interface AnnotationResult {
  /** The training folder. */
  readonly folder: string;
  /** Prompts of Character-GRPO with their questions. */
  readonly prompts: string;
  /** Files that were written now, relative to `out`. */
  readonly written: readonly string[];
  /** Files that somebody has changed and that were left as they are, relative to `out`. */
  readonly kept: readonly string[];
  /** Ids of answers that somebody has changed; they are used as they are. */
  readonly edited: readonly string[];
  /** What repeated something else, as sentences. */
  readonly dropped: readonly string[];
  readonly asked: number;
  readonly usage: Usage;
  /** The doctor's report on the training folder. */
  readonly report: InspectionReport;
}

/** Places below the root of the data set. */
export const ANNOTATION_FOLDERS = {
  prompts: 'annotation/prompts',
  answers: 'annotation/answers',
  written: 'annotation/written.json',
} as const;

/**
 * What annotating would ask and cost. Nothing is written or asked.
 * @throws DataError as {@link annotate}
 */
export async function estimateAnnotation(
  options: AnnotationOptions,
  { model, pictureSide }: Pick<ChatEndpoint, 'model' | 'pictureSide'>,
): Promise<CostEstimate> {
  const { plan } = await prepared(options);
  return estimateCost(questionsOf(plan), storeOf(options, model), pictureSide);
}

/**
 * Writes the training folder of a character, in the layout of RoleScape-20, from pictures and a profile: a model with eyes is
 * asked for scenes, plans, instructions, questions, dialogues, knowledge, tests and prompts. Prompts and answers are files that
 * may be changed; a changed one counts, and no file that somebody has changed is ever overwritten. Stopped or failed, the
 * same call goes on; answers that are there cost nothing again.
 *
 * @throws DataError for pictures, prompts or changed answers that cannot be used; EndpointError when the endpoint does not
 *   answer, or not usably; the reason of the signal when that is aborted
 */
export async function annotate(
  options: AnnotationOptions,
  endpoint: ChatEndpoint,
  hooks: AskOptions,
): Promise<AnnotationResult> {
  writePrompts(options.out);
  const { plan, pictures, testPictures } = await prepared(options);
  const answers = await askAll(questionsOf(plan), endpoint, storeOf(options, endpoint.model), hooks);
  const { edited, asked, usage } = answers;
  const annotated = assemble(options.profile, plan, answers);
  const files = new WrittenFiles(options.out, ANNOTATION_FOLDERS.written);
  const places = await writeFolders(files, annotated, pictures, testPictures);
  const folder = join(options.out, places.train);
  return {
    folder,
    prompts: join(options.out, places.promptFile),
    written: files.written,
    kept: files.kept,
    edited,
    dropped: annotated.dropped,
    asked,
    usage,
    report: await inspectFolder(folder),
  };
}

interface Prepared {
  readonly plan: AnnotationPlan;
  readonly pictures: readonly ImageRef[];
  readonly testPictures: readonly ImageRef[];
}

async function prepared({ profile, sizes, out, ...folders }: AnnotationOptions): Promise<Prepared> {
  const pictures = await picturesOf(folders.pictures);
  const testPictures = folders.testPictures === undefined ? [] : await picturesOf(folders.testPictures);
  const prompts = await readPrompts(join(out, ANNOTATION_FOLDERS.prompts));
  const plan = planAnnotation({ profile, pictures, testPictures, sizes }, prompts);
  return { plan, pictures, testPictures };
}

const storeOf = ({ out }: AnnotationOptions, model: string) =>
  new AnswerStore(join(out, ANNOTATION_FOLDERS.answers), model, 'keep');

async function picturesOf(folder: string): Promise<ImageRef[]> {
  const pictures = existsSync(folder) ? await listImages(folder) : [];
  if (pictures.length > 0) return pictures;
  throw new DataError({
    file: folder,
    expected: 'a folder with pictures (PNG, JPEG, WebP, GIF)',
    found: existsSync(folder) ? 'none' : 'no such folder',
    advice: 'give the folder that holds the pictures of the character',
  });
}

/** Prompts that are not there yet; those that are there stay, changed or not, so that answers stay valid. */
function writePrompts(out: string): void {
  for (const [name, text] of Object.entries(promptTexts())) {
    const path = join(out, ANNOTATION_FOLDERS.prompts, name);
    if (!existsSync(path)) writeFileAtomic(path, text);
  }
}

async function writeFolders(
  files: WrittenFiles,
  { training, testScenes, prompts }: Annotated,
  pictures: readonly ImageRef[],
  testPictures: readonly ImageRef[],
) {
  const { name, profile } = training;
  const unified = name.replaceAll(' ', '_');
  const [train, test] = [join(WORLD_FOLDERS.train, name), join(WORLD_FOLDERS.test, name)];
  const promptFolder = join(WORLD_FOLDERS.prompts, unified);
  const shown = await Promise.all(pictures.map(pngOf));
  writeAll(files, train, trainingFiles(training), shown);
  if (testPictures.length > 0) {
    writeAll(
      files,
      test,
      sceneFiles(training, 'test', testScenes),
      await Promise.all(testPictures.map(pngOf)),
    );
  }
  const texts = { ...promptFiles(unified, prompts), [unified + SUFFIX.profile]: profile };
  writeAll(files, promptFolder, texts, shown);
  files.removeOthers();
  return { train, promptFile: join(promptFolder, `${unified}_pure_t2i_with_vqa.jsonl`) };
}

function writeAll(
  files: WrittenFiles,
  folder: string,
  texts: Readonly<Record<string, string>>,
  pictures: readonly Uint8Array[],
): void {
  for (const [index, png] of pictures.entries()) files.write(join(folder, `${index}.png`), png);
  for (const [name, text] of Object.entries(texts)) files.write(join(folder, name), text);
}

/** A picture as PNG; one that is a PNG stays byte for byte. */
async function pngOf({ path }: ImageRef): Promise<Uint8Array> {
  const bytes = readFileSync(path);
  return sniff(bytes) === 'PNG' ? bytes : encodePng(await decodeImage(path));
}
