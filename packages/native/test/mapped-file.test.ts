/** Tensors that lie in a mapped file: values, bounds, lifetime, and the refusal to be changed. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as tf from '../lib/tfjs.mjs';
import { bfloat16Tensor, storedType } from '../src/bfloat16.js';
import { adviseMapped, MappedFile } from '../src/mapped-file.js';
import { linear } from '../src/ops/linear.js';
import { linearCrossEntropy } from '../src/ops/linear-cross-entropy.js';
import { loraLinear } from '../src/ops/lora-linear.js';
import { kvWrite } from '../src/ops/paged-pool.js';
import { rmsNorm } from '../src/ops/rms-norm.js';
import { storedAs } from '../src/ops/stored-as.js';
import { withAutocast } from '../src/precision.js';
import { memoryStats, selectBackend } from '../src/select-backend.js';
import { expectClose, normals } from './support.js';

const dir = mkdtempSync(join(tmpdir(), 'mapped-'));
const path = join(dir, 'weights.bin');
/** 8 bytes before the numbers, as a header would be. */
const START = 8;
const wide = Float32Array.from({ length: 3000 }, (_, i) => Math.fround(Math.sin(i)));
const narrow = Uint16Array.from(wide, (value) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16);

function opened(file = path): MappedFile {
  const descriptor = openSync(file, 'r');
  try {
    return new MappedFile(descriptor, statSync(file).size);
  } finally {
    closeSync(descriptor);
  }
}

let before: ReturnType<typeof memoryStats>;
beforeAll(() => {
  selectBackend('native');
  const bytes = Buffer.concat([Buffer.alloc(START), Buffer.from(wide.buffer), Buffer.from(narrow.buffer)]);
  writeFileSync(path, bytes);
});
beforeEach(() => {
  before = memoryStats();
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('a mapped file', () => {
  it('gives the numbers of the file without holding memory of its own', () => {
    const file = opened();
    const f32 = file.tensor(START, [30, 100], 'float32');
    const bf16 = file.tensor(START + wide.byteLength, [3000], 'bfloat16');
    file.close();
    expect(memoryStats()).toMatchObject({
      liveBytes: before.liveBytes,
      liveBuffers: before.liveBuffers,
      mappedBytes: before.mappedBytes + wide.byteLength + narrow.byteLength,
    });
    expect(f32.shape).toEqual([30, 100]);
    expect(f32.dataSync()).toEqual(wide);
    expect([storedType(f32), storedType(bf16)]).toEqual(['float32', 'bfloat16']);
    expect(bf16.dataSync()[1]).toBe(new Float32Array(Uint32Array.of(narrow[1]! << 16).buffer)[0]);
    for (const advice of ['willNeed', 'release', 'load'] as const) adviseMapped([f32, bf16], advice);
    expect(f32.dataSync()).toEqual(wide);
    tf.dispose([f32, bf16]);
    expect(memoryStats().mappedBytes).toBe(before.mappedBytes);
  });

  it('keeps the file it was opened on when another takes its name', () => {
    const copy = join(dir, 'replaced.bin');
    writeFileSync(copy, Buffer.from(wide.buffer));
    const file = opened(copy);
    const x = file.tensor(0, [3000], 'float32');
    file.close();
    writeFileSync(`${copy}.new`, Buffer.alloc(wide.byteLength));
    renameSync(`${copy}.new`, copy);
    expect(x.dataSync()).toEqual(wide);
    x.dispose();
  });

  it('refuses what leaves the file, is misaligned, or is not there any more', () => {
    const file = opened();
    expect(() => file.tensor(START, [5000], 'float32')).toThrow(/leave the mapped file of 18008/);
    expect(() => file.tensor(-4, [1], 'float32')).toThrow(/leave the mapped file/);
    expect(() => file.tensor(2, [1], 'float32')).toThrow(/multiple of 4/);
    expect(() => file.tensor(1, [1], 'bfloat16')).toThrow(/multiple of 2/);
    expect(() => file.tensor(START, [0], 'float32')).toThrow(/0 elements/);
    file.close();
    file.close();
    expect(() => file.tensor(START, [1], 'float32')).toThrow(/has been closed/);
    const descriptor = openSync(path, 'r');
    expect(() => new MappedFile(descriptor, 99)).toThrow(/expected a file of 99 bytes, found 18008/);
    const folder = openSync(dir, 'r');
    expect(() => new MappedFile(folder, 99)).toThrow(/only regular files/);
    closeSync(descriptor);
    closeSync(folder);
    const empty = join(dir, 'empty.bin');
    writeFileSync(empty, 'x');
    truncateSync(empty, 0);
    expect(() => opened(empty)).toThrow(/expected a file of 0 bytes/);
    expect(memoryStats()).toEqual({ ...before, peakBytes: expect.any(Number) });
  });

  it('cannot be changed in place', () => {
    const file = opened();
    const pool = file.tensor(START, [5, 10, 6, 10], 'float32');
    const chunk = tf.zeros([1, 6, 10]) as tf.Tensor3D;
    expect(() => kvWrite([pool], Int32Array.of(0), chunk)).toThrow(/mapped from a file cannot be changed/);
    expect(pool.dataSync()).toEqual(wide);
    file.close();
    tf.dispose([pool, chunk]);
    expect(memoryStats().mappedBytes).toBe(before.mappedBytes);
  });
});

describe('frozen bfloat16 weights', () => {
  const bits = (count: number) => narrow.slice(0, count);

  it('give the results of the same numbers in float32, and leave no copy behind', () => {
    const w = bfloat16Tensor(bits(12 * 20), [12, 20]) as tf.Tensor2D;
    const scale = bfloat16Tensor(bits(20), [20]) as tf.Tensor1D;
    const bias = bfloat16Tensor(bits(12), [12]) as tf.Tensor1D;
    const x = normals([7, 20]) as tf.Tensor2D;
    const [a, b] = [normals([4, 20]), normals([12, 4])] as [tf.Tensor2D, tf.Tensor2D];
    const labels = tf.tensor1d([0, 3, 11, 5, 5, 2, 1], 'int32');
    tf.gather(w, labels).dispose(); // Uploads the labels.
    const live = memoryStats().liveBytes;
    tf.tidy(() => {
      const full = <T extends tf.Tensor>(t: T) => storedAs(t, 'float32');
      expectClose(linear(x, w, bias), linear(x, full(w), full(bias)), 1e-6);
      expectClose(loraLinear(x, w, bias, a, b, 2), loraLinear(x, full(w), full(bias), a, b, 2), 1e-6);
      expectClose(rmsNorm(x, scale, 1e-6), rmsNorm(x, full(scale), 1e-6), 1e-6);
      expectClose(linearCrossEntropy(x, w, labels), linearCrossEntropy(x, full(w), labels), 1e-6);
      const rows = tf.gather(w, labels);
      expect(storedType(rows)).toBe('bfloat16');
      expectClose(rows, tf.gather(full(w), labels), 0);
      withAutocast('bf16', () => expect(storedType(linear(rows, w))).toBe('bfloat16'));
    });
    expect(memoryStats().liveBytes).toBe(live);
    tf.dispose([w, scale, bias, x, a, b, labels]);
  });

  it('are rounded and widened by storedAs, with the gradient passing through', () => {
    const x = tf.tensor1d([1, 1.0039063, -2.71, 0]);
    const y = storedAs(x, 'bfloat16');
    expect(Array.from(y.dataSync())).toEqual([1, 1, -2.703125, 0]);
    expect(storedType(storedAs(y, 'float32'))).toBe('float32');
    const grad = tf.grad((v) => tf.sum(tf.mul(storedAs(v, 'bfloat16'), 3)))(x);
    expect(Array.from(grad.dataSync())).toEqual([3, 3, 3, 3]);
  });
});
