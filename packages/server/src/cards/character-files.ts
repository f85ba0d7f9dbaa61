import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Character, DataError, readCharacter, writeFileAtomic } from '@unicharacter/core';
import { zipSync } from 'fflate';
import { ApiError, invalidRequest } from '../errors.js';
import type { StoredCharacter } from '../state/characters.js';
import { pngWithCard } from './card-png.js';
import { asVersion, type CharacterCard, parseCard } from './character-card.js';
import { type DataReport, reportOn } from './data-report.js';
import { cardName, type ReadUpload } from './read-upload.js';

/** A character as it lies on disk after an upload, and what its data are good for. */
export interface ImportedFiles {
  readonly id: string;
  readonly name: string;
  readonly format: StoredCharacter['format'];
  readonly sha256: string;
  readonly report: DataReport;
}

export const EXPORTS = { json: 'application/json', png: 'image/png', charx: 'application/zip' } as const;
export type ExportFormat = keyof typeof EXPORTS;

/** A fixed date makes the same archive of the same files. */
const ARCHIVE_DATE = new Date(2000, 0, 1);

const REPORT = 'report.json';

/** A fresh id: uploads of both kinds lie side by side. */
export const newId = (kind: 'char_' | 'file-'): string => `${kind}${randomBytes(12).toString('hex')}`;

/**
 * Uploaded characters on disk: `<id>/data` is a folder to train on, `<id>/card.json` the card as it came,
 * `<id>/original` the upload, and `<id>/report.json` what the data are good for. Names from an archive reach the disk only inside `data`, and only plain ones.
 */
export class CharacterFiles {
  constructor(private readonly root: string) {}

  /**
   * Keeps an upload.
   * @param original the bytes that came, absent when the character was put together from a form
   * @throws ApiError 400 for what cannot be read; nothing is left behind then
   */
  async store(id: string, upload: ReadUpload, original?: Uint8Array): Promise<ImportedFiles> {
    const partial = join(this.root, `${id}.partial`);
    try {
      const data = join(partial, 'data');
      mkdirSync(data, { recursive: true });
      for (const [name, content] of upload.files) writeFileAtomic(join(data, name), content);
      const character = await readImported(data, original ? 'file' : 'profile');
      const card = upload.card ?? cardOf(character);
      writeFileAtomic(join(partial, 'card.json'), card.text);
      if (original) writeFileAtomic(join(partial, 'original'), original);
      const report = await reportOn(character);
      writeFileAtomic(join(partial, REPORT), JSON.stringify(report));
      renameSync(partial, join(this.root, id));
      const sha256 = digest(original ? [original] : upload.files.values());
      return { id, name: nameOf(upload, character), format: upload.format, sha256, report };
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw error;
    }
  }

  /** The folder to train on. */
  data(id: string): string {
    return join(this.root, id, 'data');
  }

  /** What the data of an upload are good for. */
  async report(id: string): Promise<DataReport> {
    const path = join(this.root, id, REPORT);
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as DataReport;
    const report = await reportOn(await readCharacter(this.data(id)));
    writeFileAtomic(path, JSON.stringify(report));
    return report;
  }

  /** The upload as it came. */
  original(id: string): Buffer {
    return readFileSync(join(this.root, id, 'original'));
  }

  /** The first picture of an upload, if it has one. */
  async portrait(id: string): Promise<Buffer | undefined> {
    const [first] = (await readCharacter(this.data(id))).images;
    return first && readFileSync(first.path);
  }

  /** The card in a format; what was imported in the same format comes back byte for byte. @throws ApiError 404 */
  async export(character: StoredCharacter, format: ExportFormat): Promise<Buffer> {
    const folder = join(this.root, character.id);
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    if (format === character.format) return read('original');
    if (format === 'json') return read('card.json');
    const card = parseCard(read('card.json').toString('utf8'));
    if (format === 'charx') return charx(card, await readCharacter(this.data(character.id)));
    const portrait = await this.portrait(character.id);
    if (portrait) return pngWithCard(portrait, card);
    throw new ApiError(404, 'not_found_error', `${character.name} has no picture to put a card into.`, {
      code: 'no_picture',
    });
  }

  remove(id: string): void {
    if (existsSync(join(this.root, id))) rmSync(join(this.root, id), { recursive: true });
  }
}

/** The name as the database can hold it: without U+0000. */
const nameOf = ({ card }: ReadUpload, { name }: Character): string =>
  (card ? cardName(card) : name.slice(0, 200)).replaceAll('\0', '');

/** The archive of a card that came alone or as a folder: the pictures are its icons. */
function charx(card: CharacterCard, { images }: Character): Buffer {
  const { spec, spec_version, data } = JSON.parse(asVersion(card, 3)) as Record<string, unknown> & {
    data: Record<string, unknown>;
  };
  const assets = images.map(({ id }, index) => ({
    type: 'icon',
    uri: `embeded://assets/icon/image/${index}.png`,
    name: index === 0 ? 'main' : id,
    ext: 'png',
  }));
  const json =
    images.length === 0
      ? asVersion(card, 3)
      : JSON.stringify({ spec, spec_version, data: { ...data, assets } });
  const pictures = images.map(
    ({ path }, index) => [`assets/icon/image/${index}.png`, readFileSync(path)] as const,
  );
  const files = Object.fromEntries([['card.json', Buffer.from(json)] as const, ...pictures]);
  return Buffer.from(zipSync(files, { level: 0, mtime: ARCHIVE_DATE }));
}

/** The card of a character folder: its texts, and its dialogues as examples. */
function cardOf({ name, description, opening, dialogues }: Character): CharacterCard {
  const examples = dialogues
    .slice(0, 50)
    .map(({ user, reply }) => `<START>\n{{user}}: ${user}\n{{char}}: ${reply}`);
  const data = {
    name,
    description,
    personality: '',
    scenario: '',
    first_mes: opening,
    mes_example: examples.join('\n'),
    creator_notes: '',
    system_prompt: '',
    post_history_instructions: '',
    alternate_greetings: [],
    group_only_greetings: [],
    tags: [],
    creator: '',
    character_version: '',
    extensions: {},
  };
  return parseCard(JSON.stringify({ spec: 'chara_card_v3', spec_version: '3.0', data }));
}

/** @param param the field of the request that the data came in */
async function readImported(folder: string, param: string): Promise<Character> {
  try {
    return await readCharacter(folder);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw invalidRequest(
      error.message.replaceAll(`${folder}/`, '').replaceAll(folder, 'the archive'),
      param,
      'invalid_character',
    );
  }
}

function digest(contents: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content);
  return hash.digest('hex');
}
