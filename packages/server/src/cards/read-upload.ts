import { encodePng, sniff } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import type { StoredCharacter } from '../state/characters.js';
import { type CardPicture, characterYaml } from './card-folder.js';
import { cardOfPng } from './card-png.js';
import { type CharacterCard, cardList, cardText, parseCard } from './character-card.js';
import { decodeStranger } from './picture-check.js';
import { readArchive } from './zip-archive.js';

/** What an upload becomes: files of a training folder by name, and the card if it came as one. */
export interface ReadUpload {
  readonly format: StoredCharacter['format'];
  readonly card?: CharacterCard;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Names in a folder's archive: plain ones, at most in `processed/t2i` or `processed/vlm`. */
const FOLDER_FILE = /^(processed\/(t2i|vlm)\/)?[\p{L}\p{N}_][\p{L}\p{N} _.()-]*$/u;
const TEXT_FILE = /\.(json|jsonl|txt|md|ya?ml)$/i;
const PICTURE_FILE = /\.(png|jpe?g|webp|gif)$/i;
/** What archivers of operating systems add. */
const LITTER = /(^|\/)(__MACOSX\/.*|\.DS_Store|Thumbs\.db)$/;

/**
 * Reads a card as PNG or JSON (V2, V3) or CHARX, or a character folder as ZIP: the content decides, not the name. Every
 * picture is decoded and written anew as PNG.
 * @throws ApiError 400 that says what is wrong
 */
export async function readUpload(bytes: Uint8Array): Promise<ReadUpload> {
  const kind = sniff(bytes);
  if (kind === 'PNG') {
    const card = cardOfPng(bytes);
    return { format: 'png', card, files: await cardFiles(card, new Map(), bytes) };
  }
  if (kind === 'a ZIP archive') return readZip(bytes);
  if (kind === undefined || kind === 'JSON') {
    const card = parseCard(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return { format: 'json', card, files: await cardFiles(card, new Map()) };
  }
  throw invalidRequest(
    `Expected a character card (PNG, JSON, CHARX) or a ZIP of a character folder, found ${kind}.`,
    'file',
    'invalid_upload',
  );
}

async function readZip(bytes: Uint8Array): Promise<ReadUpload> {
  const archive = readArchive(bytes);
  const json = archive.get('card.json');
  if (json) {
    const card = parseCard(json.toString('utf8'));
    return { format: 'charx', card, files: await cardFiles(card, archive) };
  }
  return { format: 'folder', files: await folderFiles(archive) };
}

/** The training folder of a card: `character.yaml` and its pictures, the one it was drawn on first. */
async function cardFiles(
  card: CharacterCard,
  archive: ReadonlyMap<string, Buffer>,
  main?: Uint8Array,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const pictures: CardPicture[] = [];
  const add = async (bytes: Uint8Array, name: string, shows: string): Promise<void> => {
    const id = String(pictures.length);
    files.set(`${id}.png`, await encodePng(await decodeStranger(bytes, name)));
    pictures.push({ id, shows });
  };
  if (main) await add(main, 'the card', '');
  for (const { type, uri, name } of cardList(card.data.assets)) {
    const inside = typeof uri === 'string' ? /^embeded:\/\/(.+)$/.exec(uri)?.[1] : undefined;
    const bytes = inside === undefined ? undefined : archive.get(inside);
    if (!bytes || inside === undefined || (type !== 'icon' && type !== 'emotion')) continue;
    await add(bytes, inside, type === 'emotion' && typeof name === 'string' ? name.trim() : '');
  }
  return new Map([['character.yaml', Buffer.from(characterYaml(card, pictures))], ...files]);
}

/** The files of a folder, with or without the folder itself around them. */
async function folderFiles(archive: ReadonlyMap<string, Buffer>): Promise<Map<string, Uint8Array>> {
  const entries = [...archive].filter(([name]) => !LITTER.test(name));
  const root = commonFolder(entries.map(([name]) => name));
  const files = new Map<string, Uint8Array>();
  for (const [path, bytes] of entries) {
    const name = path.slice(root.length);
    const isPicture = PICTURE_FILE.test(name);
    if (!FOLDER_FILE.test(name) || !(isPicture || TEXT_FILE.test(name))) {
      throw invalidRequest(
        `The archive holds "${path.slice(0, 80)}", which is no file of a character folder: expected texts and pictures.`,
        'file',
        'invalid_archive',
      );
    }
    files.set(name, isPicture ? await encodePng(await decodeStranger(bytes, name)) : bytes);
  }
  return files;
}

/** `Olmo/` when every name begins with it; '' when they have no folder in common. */
function commonFolder(names: readonly string[]): string {
  const [first = ''] = names;
  const root = first.slice(0, first.lastIndexOf('/') + 1).replace(/processed\/.*$/, '');
  const shared = names.every((name) => name.startsWith(root));
  return shared ? root : first.slice(0, first.indexOf('/') + 1);
}

/** The name that a card gives. */
export const cardName = (card: CharacterCard): string => cardText(card, 'name').slice(0, 200);
