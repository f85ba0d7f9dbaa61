import { encodePng } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import type { UploadedFile } from '../multipart.js';
import { isRecord } from './character-card.js';
import { decodeStranger } from './picture-check.js';
import type { ReadUpload } from './read-upload.js';

/** Lists of `character.yaml` whose entries name a picture. */
const ABOUT_PICTURES = ['scenes', 'vqa', 't2i'] as const;

/**
 * A training folder from a form: pictures, and a profile with the fields of `character.yaml` and `captions`, one text for
 * each picture. Pictures are decoded and written anew under their number; entries may name them by number or by the name
 * they were uploaded under.
 * @throws ApiError 400; what is wrong inside the profile is found when the folder is read
 */
export async function formUpload(profile: string, images: readonly UploadedFile[]): Promise<ReadUpload> {
  const { captions, ...character } = parseProfile(profile);
  const files = new Map<string, Uint8Array>();
  for (const [index, { filename, content }] of images.entries()) {
    files.set(`${index}.png`, await encodePng(await decodeStranger(content, filename)));
  }
  for (const list of ABOUT_PICTURES) {
    const entries = character[list];
    if (Array.isArray(entries)) character[list] = entries.map((entry) => withNumber(entry, images));
  }
  const added = captioned(character, captionList(captions, images.length), images);
  // What is no list stays, for the reader to complain about.
  if (Array.isArray(character.t2i ?? [])) character.t2i = [...listOf(character.t2i), ...added];
  const yaml = Buffer.from(`${JSON.stringify(character, null, 1)}\n`);
  return { format: 'folder', files: new Map([['character.yaml', yaml], ...files]) };
}

function parseProfile(text: string): Record<string, unknown> {
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (error) {
    throw badProfile(`JSON, found text that is none (${error instanceof Error ? error.message : error})`);
  }
  if (!isRecord(profile)) throw badProfile('a JSON object with name, description, dialogues …');
  return profile;
}

function captionList(captions: unknown, pictures: number): string[] {
  const isTexts = Array.isArray(captions) && captions.every((caption) => typeof caption === 'string');
  if (captions !== undefined && !isTexts) throw badProfile('"captions" to be a list of texts');
  const texts = (captions ?? []) as string[];
  if (texts.length > pictures) {
    throw badProfile(`at most one caption for each of the ${pictures} pictures, found ${texts.length}`);
  }
  return texts;
}

/** An instruction for every picture that has a caption, or that nothing else describes. */
function captioned(
  character: Readonly<Record<string, unknown>>,
  captions: readonly string[],
  images: readonly UploadedFile[],
): { image: string; instruction: string }[] {
  const described = new Set(
    ABOUT_PICTURES.flatMap((list) => listOf(character[list]).map((entry) => isRecord(entry) && entry.image)),
  );
  return images.flatMap((_, index) => {
    const caption = captions[index]?.trim() ?? '';
    if (caption === '' && described.has(String(index))) return [];
    return [{ image: String(index), instruction: caption || `A picture of ${character.name}` }];
  });
}

/** The entry with the number of the picture that it names; as it is when there is no such picture. */
function withNumber(entry: unknown, images: readonly UploadedFile[]): unknown {
  if (!isRecord(entry)) return entry;
  const { image } = entry;
  const named = images.findIndex(({ filename }) => filename === image || withoutEnding(filename) === image);
  const number = named >= 0 ? named : image;
  return typeof number === 'number' ? { ...entry, image: String(number) } : entry;
}

const withoutEnding = (filename: string): string => filename.replace(/\.[^.]*$/, '');
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const badProfile = (expected: string) =>
  invalidRequest(`The profile cannot be used: expected ${expected}.`, 'profile', 'invalid_profile');
