import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { damaged, seededIntegers } from '../../test/damaged-bytes.js';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { SafetensorsError } from './safetensors-error.js';
import { openShardedSafetensors, openTensors, SHARD_INDEX_NAME } from './sharded-index.js';
import { writeSafetensors } from './write-safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'sharded-'));
afterAll(() => rmSync(folder, { recursive: true }));

function indexWith(weightMap: unknown): string {
  const path = join(folder, SHARD_INDEX_NAME);
  writeFileSync(path, JSON.stringify({ metadata: {}, weight_map: weightMap }));
  return path;
}

beforeAll(() => {
  writeSafetensors(join(folder, 'one.safetensors'), [
    { name: 'a', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) },
  ]);
  writeSafetensors(
    join(folder, 'two.safetensors'),
    [{ name: 'b', dtype: 'I32', shape: [1], data: Int32Array.of(-5) }],
    { note: 'second' },
  );
});

describe('openShardedSafetensors', () => {
  it('reads each tensor from its shard, also through the folder', () => {
    indexWith({ a: 'one.safetensors', b: 'two.safetensors' });
    const source = openTensors(folder);
    expect(source.names()).toEqual(['a', 'b']);
    expect(source.has('a')).toBe(true);
    expect(source.has('c')).toBe(false);
    expect([...source.readFloat32('a')]).toEqual([1, 2]);
    expect([...source.readInt32('b')]).toEqual([-5]);
    expect(source.bytes('b').length).toBe(4);
    expect(source.info('b')).toEqual({ dtype: 'I32', shape: [1] });
    expect(source.fileOf('b')).toBe(join(folder, 'two.safetensors'));
    expect(source.metadata).toEqual({ note: 'second' });
    expect(() => source.info('c')).toThrow(/tensor "c": no such tensor among the 2 listed/);
    source.close();
    expect(() => source.bytes('a')).toThrow(/after close/);
  });

  it('names every tensor on which index and shards disagree', () => {
    const path = indexWith({ a: 'two.safetensors', x: 'one.safetensors' });
    expect(() => openShardedSafetensors(path)).toThrow(
      /listed but not in their shard: a \(two.safetensors\), x \(one.safetensors\); in a shard but not listed for it: b \(two.safetensors\), a \(one.safetensors\)/,
    );
  });

  it.each([['../secret.safetensors'], ['/etc/passwd'], ['..'], [''], [7]])(
    'refuses the shard name %j',
    (shard) => {
      expect(() => openShardedSafetensors(indexWith({ a: shard }))).toThrow(
        /tensor "a": expected the name of a file/,
      );
    },
  );

  it('refuses missing shards, malformed indexes and empty folders', () => {
    expect(() => openShardedSafetensors(indexWith({ a: 'gone.safetensors' }))).toThrow(
      /gone.safetensors: cannot be opened/,
    );
    expect(() => openShardedSafetensors(indexWith([]))).toThrow(/expected "weight_map"/);
    writeFileSync(join(folder, 'bad.index.json'), '{');
    expect(() => openTensors(join(folder, 'bad.index.json'))).toThrow(/cannot be read as a JSON index/);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expect(() => openTensors(empty)).toThrow(
      /holds neither model.safetensors.index.json nor model.safetensors/,
    );
  });

  it('answers every damaged index or shard with a SafetensorsError or with tensors that fit (fuzz)', () => {
    const random = seededIntegers(77);
    const files = [
      indexWith({ a: 'one.safetensors', b: 'two.safetensors' }),
      join(folder, 'one.safetensors'),
    ];
    const whole = files.map((path) => readFileSync(path));
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const which = round % 2;
      writeFileSync(files[which] as string, damaged(whole[which] as Buffer, random));
      try {
        const source = openShardedSafetensors(files[0] as string);
        for (const name of source.names()) {
          const { shape } = source.info(name);
          expect(shape.every((size) => Number.isSafeInteger(size) && size >= 0)).toBe(true);
          source.bytes(name);
        }
        source.close();
      } catch (error) {
        expect(error).toBeInstanceOf(SafetensorsError);
        refused++;
      }
      writeFileSync(files[which] as string, whole[which] as Buffer);
    }
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(600);
  });

  it('opens single files, alone or in a folder', () => {
    const alone = join(folder, 'alone');
    mkdirSync(alone);
    const path = join(alone, 'model.safetensors');
    writeSafetensors(path, [{ name: 'z', dtype: 'F32', shape: [], data: Float32Array.of(3) }]);
    for (const place of [path, alone]) {
      const source = openTensors(place);
      expect([...source.readFloat32('z')]).toEqual([3]);
      source.close();
    }
  });
});

const golden = findGoldenTiny();
describe.skipIf(golden === undefined)('reference shards', () => {
  it('hold the values of the single file', () => {
    const single = openTensors(join(golden as string, 'checkpoint/ema.safetensors'));
    const sharded = openTensors(join(golden as string, 'checkpoint-variants/sharded'));
    expect(sharded.names().sort()).toEqual(single.names().sort());
    for (const name of single.names()) {
      expect(sharded.info(name)).toEqual(single.info(name));
      expect(Buffer.from(sharded.bytes(name)).equals(Buffer.from(single.bytes(name)))).toBe(true);
    }
    sharded.close();
    single.close();
  });
});
