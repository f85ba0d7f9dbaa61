import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Encoding, EncodingCache } from './encoding-cache.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'encoding-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const encoding = (value: number): Encoding => ({
  arrays: { latents: Float32Array.of(value, 2, 3), ids: Int32Array.of(7, -1) },
  numbers: { rows: 4 },
});
const cache = (maxBytes = 1e9) => new EncodingCache(folder, maxBytes);
const never = () => {
  throw new Error('made again');
};
const files = () => readdirSync(folder).map((name) => join(folder, name));

describe('EncodingCache', () => {
  it('makes an entry once, and gives other caches what was stored', async () => {
    await cache().take(['a', Uint8Array.of(1)], () => encoding(1));
    const later = cache();
    expect(await later.take(['a', Uint8Array.of(1)], never)).toEqual(encoding(1));
    expect(later.tidy()).toMatchObject({ found: 1, made: 0, damaged: 0 });
  });

  it('tells parts apart by content and by where they end', async () => {
    const own = cache();
    await own.take(['ab', 'c'], () => encoding(1));
    expect(await own.take(['a', 'bc'], () => encoding(2))).toEqual(encoding(2));
    expect(await own.take(['ab', Uint8Array.of(99, 1)], () => encoding(3))).toEqual(encoding(3));
    expect(own.tidy()).toMatchObject({ found: 0, made: 3 });
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    [
      'changed in one bit',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]),
    ],
    ['empty', () => Buffer.alloc(0)],
  ])('makes an entry anew that is %s, and says so', async (_, damage) => {
    await cache().take(['a'], () => encoding(1));
    const [path] = files() as [string];
    writeFileSync(path, damage(readFileSync(path)));
    const later = cache();
    expect(await later.take(['a'], () => encoding(1))).toEqual(encoding(1));
    expect(later.tidy()).toMatchObject({ found: 0, made: 1, damaged: 1 });
    expect(await cache().take(['a'], never)).toEqual(encoding(1));
  });

  it('removes what was used longest ago beyond its size', async () => {
    const own = cache();
    for (const name of ['old', 'used', 'new']) await own.take([name], () => encoding(1));
    const long = new Date(Date.now() - 1e6);
    for (const path of files()) utimesSync(path, long, long);
    await own.take(['used'], never);
    await own.take(['new'], never);
    const { size } = statSync(files()[0]!);
    const { bytes } = cache(2 * size).tidy();
    expect(bytes).toBe(2 * size);
    const later = cache();
    await later.take(['used'], never);
    await later.take(['new'], never);
    await later.take(['old'], () => encoding(5));
    expect(later.tidy()).toMatchObject({ found: 2, made: 1 });
  });

  it('goes on without storing where the folder cannot be written, and says why', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const own = new EncodingCache(file, 1e9);
    expect(await own.take(['a'], () => encoding(1))).toEqual(encoding(1));
    rmSync(file);
    expect(own.tidy().notStored).toMatch(/file/);
  });
});
