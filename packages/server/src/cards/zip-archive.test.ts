import { crc32, deflateRawSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readArchive } from './zip-archive.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const zip = (files: Record<string, Uint8Array>): Buffer => Buffer.from(zipSync(files));

/** Offset of the first entry of the directory. */
const directory = (archive: Buffer): number => archive.readUInt32LE(archive.length - 6);

function changed(archive: Buffer, change: (bytes: Buffer, entry: number) => void): Buffer {
  const copy = Buffer.from(archive);
  change(copy, directory(copy));
  return copy;
}

describe('readArchive', () => {
  it('reads what other programs write', () => {
    const files = { 'a.txt': text('a'.repeat(5000)), 'b/c.txt': text('狐'), 'b/empty': text('') };
    const read = readArchive(zip(files));
    expect([...read.keys()]).toEqual(Object.keys(files));
    for (const [name, content] of Object.entries(files)) expect([...read.get(name)!]).toEqual([...content]);
  });

  it.each([
    '../up',
    '/etc/passwd',
    'a/../../b',
    'a\\b',
    'C:/x',
    'a//b',
    './a',
    'nul\0',
    `${'a/'.repeat(20)}b`,
  ])('refuses the name %j', (name) => {
    expect(() => readArchive(zip({ [name]: text('x') }))).toThrow('is not allowed');
  });

  it('stops a bomb at the length that it announces', () => {
    const zeros = new Uint8Array(20_000_000);
    const bomb = changed(zip({ bomb: zeros }), (bytes, entry) => bytes.writeUInt32LE(1000, entry + 24));
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => readArchive(bomb)).toThrow('not what was announced');
    const limits = { entries: 10, entryBytes: 1e6, totalBytes: 1e6 };
    expect(() => readArchive(zip({ bomb: zeros }), limits)).toThrow('too large');
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`${i}`, text('x')]));
    expect(() => readArchive(zip(many), limits)).toThrow('11 files, the limit is 10');
    const sum = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`${i}`, new Uint8Array(5e5)]));
    expect(() => readArchive(zip(sum), limits)).toThrow('1500000 bytes');
  });

  it.each<[string, (bytes: Buffer, entry: number) => void, string]>([
    ['a link', (bytes, entry) => bytes.writeUInt32LE(0o120777 * 2 ** 16, entry + 38), 'is a link'],
    ['encryption', (bytes, entry) => bytes.writeUInt16LE(1, entry + 8), 'is encrypted'],
    ['another method', (bytes, entry) => bytes.writeUInt16LE(93, entry + 10), 'method 93'],
    ['a wrong checksum', (bytes, entry) => bytes.writeUInt32LE(crc32('no'), entry + 16), 'announced'],
    ['a wrong place', (bytes, entry) => bytes.writeUInt32LE(7, entry + 42), 'not where the directory says'],
    ['a broken directory', (bytes, entry) => bytes.writeUInt32LE(0, entry), 'directory is damaged'],
  ])('refuses %s', (_, change, message) => {
    const archive = zip({ 'a.txt': text('some words '.repeat(50)) });
    expect(() => readArchive(changed(archive, change))).toThrow(message);
  });

  it('refuses files around an archive, files that share bytes and names that differ in case only', () => {
    const archive = zip({ a: text('x') });
    expect(() => readArchive(Buffer.concat([text('GIF89a'), archive]))).toThrow('does not begin');
    expect(() => readArchive(Buffer.concat([archive, text('<script>')]))).toThrow(
      'does not end with the file',
    );
    expect(() => readArchive(zip({ A: text('x'), a: text('y') }))).toThrow('two files are called "a"');
    const data = deflateRawSync(Buffer.alloc(3000, 'q'));
    expect(() => readArchive(data)).toThrow('does not begin');
    const two = zip({ a: new Uint8Array(9000).map((_, i) => i * 7), b: text('y') });
    const shared = changed(two, (bytes, entry) => {
      const second = entry + 46 + 1;
      bytes.writeUInt32LE(0, second + 42);
      bytes.writeUInt32LE(bytes.readUInt32LE(entry + 20) + 5000, second + 20);
    });
    expect(() => readArchive(shared)).toThrow('share bytes');
  });

  it('never fails in another way, whatever bytes are changed', () => {
    const archive = zip({ 'a.txt': text('some words '.repeat(50)), 'b.txt': text('more') });
    for (let at = 0; at < archive.length; at++) {
      const damaged = changed(archive, (bytes) => bytes.writeUInt8(bytes[at]! ^ 0x55, at));
      try {
        readArchive(damaged);
      } catch (error) {
        expect(error).toMatchObject({ name: 'ApiError', status: 400 });
      }
    }
  });
});
