import { crc32, inflateRawSync } from 'node:zlib';
import { invalidRequest } from '../errors.js';

const MEBIBYTE = 2 ** 20;

/** What an archive may hold. */
export const ARCHIVE_LIMITS = { entries: 2000, entryBytes: 64 * MEBIBYTE, totalBytes: 256 * MEBIBYTE };

const END = 0x06054b50;
const END_BYTES = 22;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
/** Upper half of an entry's attributes when Unix wrote it: the file's mode. */
const SYMBOLIC_LINK = 0o120000;
const FILE_TYPE = 0o170000;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The files of a ZIP archive by name. Everything is checked before it is believed, because archives come from strangers:
 * names that lead elsewhere, links, encryption, more or larger files than {@link ARCHIVE_LIMITS}, files that share bytes,
 * something before or after the archive, and content that is longer than announced - the decompressor stops there, which
 * is why the archive is not read by a library that trusts the announced length (APPNOTE 6.3.10, sections 4.3 and 4.4).
 * @throws ApiError 400
 */
export function readArchive(archive: Uint8Array, limits = ARCHIVE_LIMITS): Map<string, Buffer> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries = readDirectory(bytes, limits);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.totalBytes) throw tooLarge(`${total} bytes`, limits.totalBytes);
  const files = new Map<string, Buffer>();
  const folded = new Set<string>();
  for (const entry of entries) {
    if (entry.name.endsWith('/')) continue;
    const name = entry.name.toLowerCase();
    if (folded.has(name)) throw broken(`two files are called "${entry.name}"`);
    folded.add(name);
    files.set(entry.name, contentOf(bytes, entry));
  }
  return files;
}

function readDirectory(bytes: Buffer, limits: typeof ARCHIVE_LIMITS): Entry[] {
  if (bytes.length < END_BYTES || bytes.readUInt32LE(0) !== LOCAL) throw broken('it does not begin as one');
  const end = bytes.length - END_BYTES;
  if (bytes.readUInt32LE(end) !== END || bytes.readUInt16LE(end + 20) !== 0) {
    throw broken('its directory does not end with the file; a comment or data after it is not allowed');
  }
  const count = bytes.readUInt16LE(end + 10);
  if (count > limits.entries) throw tooLarge(`${count} files`, limits.entries);
  const start = bytes.readUInt32LE(end + 16);
  const entries: Entry[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_BYTES > end || bytes.readUInt32LE(at) !== ENTRY) throw broken('its directory is damaged');
    const { entry, next } = readEntry(bytes, at, limits);
    entries.push(entry);
    at = next;
  }
  if (at !== end) throw broken('its directory is damaged');
  const stored = entries.reduce((sum, { compressed }) => sum + LOCAL_BYTES + compressed, 0);
  if (stored > start) throw broken('its files share bytes');
  return entries;
}

function readEntry(bytes: Buffer, at: number, limits: typeof ARCHIVE_LIMITS): { entry: Entry; next: number } {
  const flags = bytes.readUInt16LE(at + 8);
  const nameBytes = bytes.readUInt16LE(at + 28);
  const name = bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
  const entry: Entry = {
    name,
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    compressed: bytes.readUInt32LE(at + 20),
    size: bytes.readUInt32LE(at + 24),
    offset: bytes.readUInt32LE(at + 42),
  };
  checkName(name);
  if (flags & 1) throw broken(`"${name}" is encrypted`);
  if (((bytes.readUInt32LE(at + 38) >>> 16) & FILE_TYPE) === SYMBOLIC_LINK)
    throw broken(`"${name}" is a link`);
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw broken(`"${name}" is compressed with method ${entry.method}; only deflate is read`);
  }
  if (entry.compressed === ZIP64 || entry.size > limits.entryBytes) {
    throw tooLarge(`"${name}" with ${entry.size} bytes`, limits.entryBytes);
  }
  const tail = bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  return { entry, next: at + ENTRY_BYTES + nameBytes + tail };
}

function contentOf(bytes: Buffer, { name, method, crc, compressed, size, offset }: Entry): Buffer {
  if (offset + LOCAL_BYTES > bytes.length || bytes.readUInt32LE(offset) !== LOCAL) {
    throw broken(`"${name}" is not where the directory says`);
  }
  const start = offset + LOCAL_BYTES + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
  if (start + compressed > bytes.length) throw broken(`"${name}" is cut off`);
  const content = expand(name, method, bytes.subarray(start, start + compressed), size);
  if (content.length !== size || crc32(content) !== crc) throw broken(`"${name}" is not what was announced`);
  return content;
}

function expand(name: string, method: number, data: Buffer, size: number): Buffer {
  if (method === STORED) return data;
  try {
    // Zero would mean no limit.
    return inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw broken(`"${name}" is not what was announced`);
  }
}

/** Only names below the archive's own root, in the plain form of every system. */
function checkName(name: string): void {
  const parts = name.replace(/\/$/, '').split('/');
  const plain = parts.every((part) => part !== '' && part !== '.' && part !== '..' && part.length <= 200);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (plain && parts.length <= 12 && !/[\\:\u0000-\u001f\u007f\ufffd]/.test(name)) return;
  throw broken(`the name ${JSON.stringify(name.slice(0, 80))} is not allowed`);
}

const broken = (why: string) =>
  invalidRequest(`The archive cannot be used: ${why}.`, 'file', 'invalid_archive');

const tooLarge = (found: string, limit: number) =>
  invalidRequest(`The archive is too large: ${found}, the limit is ${limit}.`, 'file', 'archive_too_large');
