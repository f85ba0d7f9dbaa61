import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { replaceFileWith } from './atomic-file.js';
import { openSafetensors } from './safetensors-file.js';
import { writeSafetensors } from './write-safetensors.js';

const disk = vi.hoisted(() => ({ freeBytes: Number.POSITIVE_INFINITY }));
vi.mock('node:fs', async (importActual) => {
  const actual = await importActual<typeof import('node:fs')>();
  return {
    ...actual,
    /** A disk with `freeBytes` left: writes come back short, then fail as the kernel fails them. */
    writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number) => {
      if (disk.freeBytes <= 0)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      const count = actual.writeSync(fd, bytes, offset, Math.min(length, disk.freeBytes));
      disk.freeBytes -= count;
      return count;
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-'));
  disk.freeBytes = Number.POSITIVE_INFINITY;
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('writeSafetensors', () => {
  it('stores what can be read back, aligned, 4-byte types first', () => {
    const path = join(folder, 'model.safetensors');
    writeSafetensors(
      path,
      [
        { name: 'half', dtype: 'BF16', shape: [3], data: Float32Array.of(1, 1 + 3 * 2 ** -8, -2.5) },
        { name: 'raw', dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) },
        { name: 'full', dtype: 'F32', shape: [2, 1], data: Float32Array.of(0.1, -7) },
        { name: 'ids', dtype: 'I32', shape: [2], data: Int32Array.of(5, -6) },
        { name: 'codes', dtype: 'U8', shape: [3], data: Uint8Array.of(7, 255, 0) },
        { name: 'none', dtype: 'F32', shape: [0], data: new Float32Array(0) },
      ],
      { format: 'pt', step: '12' },
    );
    const file = openSafetensors(path);
    expect(file.names()).toEqual(['full', 'ids', 'none', 'half', 'raw', 'codes']);
    expect(file.metadata).toEqual({ format: 'pt', step: '12' });
    expect(file.readFloat32('full')).toEqual(Float32Array.of(0.1, -7));
    expect([...file.readInt32('ids')]).toEqual([5, -6]);
    expect([...file.bytes('codes')]).toEqual([7, 255, 0]);
    expect([...file.readFloat32('half')]).toEqual([1, 1.015625, -2.5]);
    expect([...file.readFloat32('raw')]).toEqual([1]);
    expect(file.readFloat32('none').length).toBe(0);
    file.close();
    const bytes = readFileSync(path);
    expect(bytes.readBigUInt64LE() % 8n).toBe(0n);
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('rounds a tensor longer than one chunk completely, and views of larger arrays correctly', () => {
    const path = join(folder, 'long.safetensors');
    const count = (1 << 20) + 5;
    const values = Float32Array.from({ length: count + 3 }, (_, i) => i % 250).subarray(3);
    writeSafetensors(path, [
      { name: 'long', dtype: 'BF16', shape: [count], data: values },
      { name: 'view', dtype: 'F32', shape: [4], data: values.subarray(1, 5) },
    ]);
    const file = openSafetensors(path);
    expect(Buffer.from(file.readFloat32('long').buffer).equals(Buffer.from(values.slice().buffer))).toBe(
      true,
    );
    expect([...file.readFloat32('view')]).toEqual([4, 5, 6, 7]);
    file.close();
  });

  it('gives identical bytes for identical tensors', () => {
    const tensor = { name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) } as const;
    writeSafetensors(join(folder, '1'), [tensor]);
    writeSafetensors(join(folder, '2'), [tensor]);
    expect(readFileSync(join(folder, '1')).equals(readFileSync(join(folder, '2')))).toBe(true);
  });

  it('refuses repeated names and data that does not match its shape', () => {
    const a = { name: 'a', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } as const;
    expect(() => writeSafetensors(join(folder, 'x'), [a, a])).toThrow(/tensor "a": the name is used twice/);
    expect(() => writeSafetensors(join(folder, 'x'), [{ ...a, shape: [3] }])).toThrow(
      /shape \[3\] has 3 elements/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves the old file intact and no temporary file when the disk fills up', () => {
    const path = join(folder, 'model.safetensors');
    writeSafetensors(path, [{ name: 'old', dtype: 'F32', shape: [1], data: Float32Array.of(9) }]);
    const before = readFileSync(path);
    for (const freeBytes of [0, 5, 100, 4000]) {
      disk.freeBytes = freeBytes;
      expect(() =>
        writeSafetensors(path, [{ name: 'new', dtype: 'F32', shape: [1000], data: new Float32Array(1000) }]),
      ).toThrow(/model.safetensors: could not be written, what was there before is unchanged \(ENOSPC/);
      expect(readdirSync(folder)).toEqual(['model.safetensors']);
      expect(readFileSync(path).equals(before)).toBe(true);
    }
  });
});

describe('replaceFileWith', () => {
  it('writes text and bytes, and keeps the old content on failure', () => {
    const path = join(folder, 'note.txt');
    replaceFileWith(path, 'grüße');
    expect(readFileSync(path, 'utf8')).toBe('grüße');
    disk.freeBytes = 3;
    expect(() => replaceFileWith(path, 'something longer')).toThrow(/ENOSPC/);
    expect(readFileSync(path, 'utf8')).toBe('grüße');
    disk.freeBytes = Number.POSITIVE_INFINITY;
    replaceFileWith(path, Uint8Array.of(65, 66));
    expect(readFileSync(path, 'utf8')).toBe('AB');
  });
});
