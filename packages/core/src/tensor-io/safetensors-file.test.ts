import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { damaged, seededIntegers } from '../../test/damaged-bytes.js';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { SafetensorsError } from './safetensors-error.js';
import { openSafetensors } from './safetensors-file.js';

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(header: string | Uint8Array, data: Uint8Array, claimed?: bigint): string {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  const path = join(folder, `${Math.random().toString(36).slice(2)}.safetensors`);
  writeFileSync(path, Buffer.concat([prefix, json, data]));
  return path;
}

function entry(dtype: string, shape: number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('openSafetensors', () => {
  it('reads F32, BF16, F16, integers, scalars, empty tensors and metadata', () => {
    const header = {
      __metadata__: { format: 'pt' },
      a: entry('F32', [2, 2], 0, 16),
      b: entry('BF16', [3], 16, 22),
      c: entry('F16', [2], 22, 26),
      d: entry('I64', [2], 26, 42),
      e: entry('BOOL', [2], 42, 44),
      f: entry('F32', [], 44, 48),
      g: entry('F32', [0, 7], 48, 48),
    };
    const data = Buffer.concat([
      floats(1, -2, 0.5, 3),
      new Uint8Array(Uint16Array.of(0x3f80, 0xc020, 0x7f80).buffer),
      new Uint8Array(Uint16Array.of(0x3c00, 0x0001).buffer),
      new Uint8Array(BigInt64Array.of(7n, -9n).buffer),
      Uint8Array.of(1, 0),
      floats(42),
    ]);
    const file = openSafetensors(fileWith(JSON.stringify(header), data));
    expect(file.names()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.info('a')).toEqual({ dtype: 'F32', shape: [2, 2] });
    expect([...file.readFloat32('a')]).toEqual([1, -2, 0.5, 3]);
    expect([...file.readFloat32('b')]).toEqual([1, -2.5, Number.POSITIVE_INFINITY]);
    expect([...file.readFloat32('c')]).toEqual([1, 2 ** -24]);
    expect([...file.readInt32('d')]).toEqual([7, -9]);
    expect([...file.readInt32('e')]).toEqual([1, 0]);
    expect([...file.readFloat32('f')]).toEqual([42]);
    expect(file.readFloat32('g').length).toBe(0);
    expect([...file.bytes('e')]).toEqual([1, 0]);
    expect(() => file.readFloat32('d')).toThrow(/tensor "d": expected F32, BF16 or F16 values, found I64/);
    expect(() => file.readInt32('a')).toThrow(/tensor "a": expected I32/);
    expect(() => file.info('zz')).toThrow(/tensor "zz": no such tensor among the 7/);
    file.close();
    file.close();
    expect(() => file.readFloat32('a')).toThrow(/read after close/);
  });

  it('refuses a 64-bit value that does not fit', () => {
    const header = JSON.stringify({ a: entry('I64', [1], 0, 8) });
    const file = openSafetensors(fileWith(header, new Uint8Array(BigInt64Array.of(2n ** 40n).buffer)));
    expect(() => file.readInt32('a')).toThrow(/1099511627776 at 0 does not fit/);
    file.close();
  });

  it('notices a file that shrinks while it is open', () => {
    const path = fileWith(JSON.stringify({ a: entry('F32', [2], 0, 8) }), floats(1, 2));
    const file = openSafetensors(path);
    truncateSync(path, 20);
    expect(() => file.readFloat32('a')).toThrow(
      /tensor "a": expected 8 bytes from byte 62 on, found 0; the file changed/,
    );
    file.close();
  });

  const eight = floats(1, 2);
  const one = entry('F32', [2], 0, 8);
  it.each<[string, string | Uint8Array, RegExp, bigint?]>([
    ['bad JSON', '{"a":', /not valid JSON/],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), /not valid JSON/],
    ['a list', '[]', /expected the header to be a JSON object, found \[\]/],
    ['a number as entry', '{"a":5}', /tensor "a": expected \{dtype, shape, data_offsets\}, found 5/],
    [
      'an unknown type',
      JSON.stringify({ a: { ...one, dtype: 'Q4' } }),
      /tensor "a": expected dtype .* found "Q4"/,
    ],
    ['an inherited type name', JSON.stringify({ a: { ...one, dtype: 'toString' } }), /found "toString"/],
    ['a negative size', JSON.stringify({ a: { ...one, shape: [-2] } }), /found \[-2\]/],
    ['a fractional size', JSON.stringify({ a: { ...one, shape: [1.5] } }), /found \[1.5\]/],
    [
      'a wrong byte count',
      JSON.stringify({ a: { ...one, shape: [3] } }),
      /shape \[3\] of F32 needs 12 bytes/,
    ],
    [
      'an overflowing shape',
      JSON.stringify({ a: { ...one, shape: [2 ** 52, 2 ** 52] } }),
      /data_offsets hold 8/,
    ],
    ['an end past the file', JSON.stringify({ a: entry('F32', [3], 0, 12) }), /do not fit into the 8 bytes/],
    ['reversed offsets', JSON.stringify({ a: entry('F32', [2], 8, 0) }), /do not fit/],
    [
      'one offset',
      JSON.stringify({ a: { ...one, data_offsets: [0] } }),
      /expected data_offsets to be \[begin, end\]/,
    ],
    [
      'an overlap',
      JSON.stringify({ a: one, b: entry('F32', [1], 4, 8) }),
      /tensor "b": bytes 4..8 are also claimed/,
    ],
    [
      'a gap',
      JSON.stringify({ a: entry('F32', [1], 4, 8) }),
      /tensor "a": bytes 0..4 before it belong to no tensor/,
    ],
    [
      'bytes left over',
      JSON.stringify({ a: entry('F32', [1], 0, 4) }),
      /describes 4 bytes of data, the file holds 8/,
    ],
    ['a repeated name', '{"a":{"dtype":"F32"},"\\u0061":{}}', /names "a" twice/],
    [
      'metadata of numbers',
      JSON.stringify({ __metadata__: { n: 1 }, a: one }),
      /__metadata__.n to be a string/,
    ],
    ['an absurd header length', JSON.stringify({ a: one }), /claims 9007199254740992 bytes/, 2n ** 53n],
    ['a header longer than the file', JSON.stringify({ a: one }), /claims 4096 bytes/, 4096n],
  ])('refuses %s', (_, header, message, claimed) => {
    const path = fileWith(header, eight, claimed);
    expect(() => openSafetensors(path)).toThrow(message);
    expect(() => openSafetensors(path)).toThrow(path);
    expect(() => openSafetensors(path)).toThrow(SafetensorsError);
  });

  it('refuses files that are too short, folders and paths that do not exist', () => {
    const path = join(folder, 'short.safetensors');
    writeFileSync(path, 'abc');
    expect(() => openSafetensors(path)).toThrow(/expected at least 8 bytes, found 3/);
    expect(() => openSafetensors(folder)).toThrow(SafetensorsError);
    expect(() => openSafetensors(join(folder, 'missing'))).toThrow(/cannot be opened \(ENOENT/);
  });

  it('answers every damaged header with a SafetensorsError or with tensors that fit (fuzz)', () => {
    const header = JSON.stringify({
      __metadata__: { k: 'v' },
      a: entry('BF16', [2, 2], 0, 8),
      b: entry('F32', [2], 8, 16),
    });
    const good = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(16, 7)]);
    good.writeBigUInt64LE(BigInt(header.length));
    const random = seededIntegers(12345);
    const path = join(folder, 'fuzz.safetensors');
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      writeFileSync(path, damaged(good, random, 8 + header.length));
      try {
        const file = openSafetensors(path);
        for (const name of file.names()) {
          const { shape } = file.info(name);
          file.bytes(name);
          expect(shape.every((size) => Number.isSafeInteger(size) && size >= 0)).toBe(true);
        }
        file.close();
      } catch (error) {
        expect(error).toBeInstanceOf(SafetensorsError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1500);
  });
});

const golden = findGoldenTiny();
describe.skipIf(golden === undefined)('reference checkpoints', () => {
  it('reads the bf16 checkpoint and the float32 VAE', () => {
    const model = openSafetensors(join(golden as string, 'checkpoint', 'ema.safetensors'));
    expect(model.info('language_model.model.embed_tokens.weight')).toEqual({
      dtype: 'BF16',
      shape: [832, 64],
    });
    const norm = model.readFloat32('language_model.model.norm.weight');
    expect(norm.length).toBe(64);
    expect(norm.every((v) => Math.abs(v - 1) < 1 && Number.isFinite(v))).toBe(true);
    model.close();
    const vae = openSafetensors(join(golden as string, 'checkpoint', 'ae.safetensors'));
    expect(vae.info('encoder.conv_in.weight')).toEqual({ dtype: 'F32', shape: [32, 3, 3, 3] });
    vae.close();
  });

  it('reads the same values from the float32 variant as from the bf16 checkpoint', () => {
    const bf16 = openSafetensors(join(golden as string, 'checkpoint', 'ema.safetensors'));
    const f32 = openSafetensors(
      join(golden as string, 'checkpoint-variants/full-fp32-no-pos-embed/model.safetensors'),
    );
    expect(f32.names().length).toBe(bf16.names().length - 2);
    for (const name of f32.names()) {
      expect(f32.info(name).dtype).toBe('F32');
      expect(
        Buffer.from(f32.readFloat32(name).buffer).equals(Buffer.from(bf16.readFloat32(name).buffer)),
      ).toBe(true);
    }
    f32.close();
    bf16.close();
  });
});
