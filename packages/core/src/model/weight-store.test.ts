import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStats, setStrict, storedType, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tiny, useStrictNative } from '../../test/tiny-model.js';
import { openSafetensors, type StoredTensor, writeSafetensors } from '../tensor-io/index.js';
import { isGenerationExpert, LATENT_TABLE_NAME, modelTensors } from './checkpoint-names.js';
import { FlowVae } from './flow-vae.js';
import { emptyContext, feedTokens, inferLogits } from './inference.js';
import type { LoadProgress } from './load-weights.js';
import { WeightsError } from './locate-tensors.js';
import { UnifiedModel } from './unified-model.js';

const dir = mkdtempSync(join(tmpdir(), 'weights-'));
const values = (model: { tensors(): ReadonlyMap<string, tf.Tensor> }) =>
  new Map([...model.tensors()].map(([name, weight]) => [name, Array.from(weight.dataSync())]));

/** Copies a file, changing what `edit` answers; tensors for which it answers null are left out. */
function edited(from: string, to: string, edit: (tensor: StoredTensor) => StoredTensor | null): string {
  const source = openSafetensors(from);
  const tensors = source.names().flatMap((name) => {
    const tensor = {
      name,
      dtype: 'F32',
      shape: source.info(name).shape,
      data: source.readFloat32(name),
    } as const;
    return edit(tensor) ?? [];
  });
  source.close();
  const path = join(dir, to);
  writeSafetensors(path, tensors);
  return path;
}

describe('weights by published name', () => {
  const saved = join(dir, 'model.safetensors');
  let model: UnifiedModel;
  beforeAll(() => {
    useStrictNative();
    model = UnifiedModel.init(tiny, 11);
    model.save(saved);
  });
  afterAll(() => {
    model.dispose();
    setStrict(false);
  });

  it('come back from a file exactly, and leave nothing behind when disposed', () => {
    const before = tf.memory().numTensors;
    const loaded = UnifiedModel.load(tiny, saved);
    expect(values(loaded)).toEqual(values(model));
    loaded.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are stored under the published names and shapes', () => {
    const file = openSafetensors(saved);
    const specs = modelTensors(tiny);
    expect(file.names().sort()).toEqual(specs.map((spec) => spec.name).sort());
    for (const { name, shape } of specs) expect(file.info(name).shape, name).toEqual(shape);
    file.close();
  });

  it('depend on seed and name only', () => {
    const again = UnifiedModel.init(tiny, 11);
    const other = UnifiedModel.init(tiny, 12);
    const name = 'language_model.lm_head.weight';
    expect(values(again).get(name)).toEqual(values(model).get(name));
    expect(values(other).get(name)).not.toEqual(values(model).get(name));
    again.dispose();
    other.dispose();
  });

  it('may lack the position tables and the prefix of the language model; the first of several files wins', () => {
    const bare = edited(saved, 'bare.safetensors', (t) => (t.name.endsWith('pos_embed') ? null : t));
    const overlay = edited(saved, 'overlay.safetensors', (t) =>
      t.name.includes('moe_gen')
        ? ({
            ...t,
            name: t.name.replace('language_model.', ''),
            data: new Float32Array(t.data.length).fill(2),
          } as StoredTensor)
        : null,
    );
    const loaded = UnifiedModel.load(tiny, [overlay, bare]);
    const found = values(loaded);
    loaded.dispose();
    for (const [name, expected] of values(model)) {
      if (name.includes('moe_gen'))
        expect(
          found.get(name)?.every((v) => v === 2),
          name,
        ).toBe(true);
      else expect(found.get(name), name).toEqual(expected);
    }
    const table = found.get(LATENT_TABLE_NAME) as number[];
    // Row 3, column 5: sine of the column first (spec 2.10).
    const at = (3 * tiny.latent.maxSide + 5) * tiny.llm.hiddenSize;
    expect(table[at]).toBeCloseTo(-0.9589243, 6);
    expect(table[at + tiny.llm.hiddenSize / 2]).toBeCloseTo(0.14112, 6);
  });

  it('name everything that does not fit in one error', () => {
    const wrong = edited(saved, 'wrong.safetensors', (t) => {
      if (t.name === 'vae2llm.bias') return null;
      if (t.name === 'llm2vae.bias') return { ...t, name: 'llm2vae.offset' };
      if (t.name === 'connector.fc1.weight') return { ...t, shape: [...t.shape].reverse().concat(1) };
      return t;
    });
    const before = tf.memory().numTensors;
    let message = '';
    try {
      UnifiedModel.load(tiny, wrong);
    } catch (error) {
      expect(error).toBeInstanceOf(WeightsError);
      message = (error as Error).message;
    }
    expect(message).toMatch(/Missing \(2\):\n {2}vae2llm\.bias\n {2}llm2vae\.bias/);
    expect(message).toMatch(/Unexpected \(1\):\n {2}llm2vae\.offset \(.*wrong\.safetensors\)/);
    expect(message).toMatch(
      /Wrong shape \(1\):\n {2}connector\.fc1\.weight: expected \[32,32\], found \[32,32,1\]/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('name what is stored twice or in a type that holds no weights', () => {
    const wrong = edited(saved, 'types.safetensors', (t) =>
      t.name === 'vae2llm.bias'
        ? { ...t, dtype: 'I32', data: new Int32Array(t.data.length) }
        : t.name === 'llm2vae.bias'
          ? { ...t, name: 'model.norm.weight', shape: [tiny.llm.hiddenSize], data: new Float32Array(32) }
          : t,
    );
    expect(() => UnifiedModel.load(tiny, wrong)).toThrow(
      /Missing \(1\):\n {2}llm2vae\.bias\nNamed twice \(1\):\n {2}\S+: also stored as \S+ \(.*\nWrong type \(1\):\n {2}vae2llm\.bias: expected F32, BF16 or F16, found I32/,
    );
  });

  it('keep convolutions in file layout on disk', () => {
    const vae = FlowVae.init(tiny.vae, 5);
    const path = join(dir, 'ae.safetensors');
    vae.save(path);
    const file = openSafetensors(path);
    const name = 'encoder.down.3.block.0.conv1.weight';
    expect(file.info(name).shape).toEqual([16, 8, 3, 3]);
    const memory = vae.variables().get(name)?.dataSync() as Float32Array;
    // Output 7, input 3, row 2, column 1.
    expect(file.readFloat32(name)[((7 * 8 + 3) * 3 + 2) * 3 + 1]).toBe(
      memory[((2 * 3 + 1) * 8 + 3) * 16 + 7],
    );
    file.close();
    const loaded = FlowVae.load(tiny.vae, path);
    expect(values(loaded)).toEqual(values(vae));
    loaded.dispose();
    vae.dispose();
  });
});

describe('frozen weights', () => {
  const narrow = join(dir, 'narrow.safetensors');
  const bytes = modelTensors(tiny).reduce(
    (sum, { shape }) => sum + shape.reduce((n, size) => n * size, 2),
    0,
  );
  beforeAll(() => {
    useStrictNative();
    const model = UnifiedModel.init(tiny, 3);
    model.save(narrow, 'BF16');
    model.dispose();
  });
  afterAll(() => setStrict(false));

  it('lie in the file: no copy, no variables, the same numbers and the same results up to rounding', () => {
    const trained = UnifiedModel.load(tiny, narrow);
    const before = memoryStats();
    const tensors = tf.memory().numTensors;
    const frozen = UnifiedModel.load(tiny, narrow, { trainable: 'none' });
    expect(memoryStats()).toMatchObject({
      liveBytes: before.liveBytes,
      mappedBytes: before.mappedBytes + bytes,
    });
    expect(frozen.variables().size).toBe(0);
    expect(values(frozen)).toEqual(values(trained));
    const logitsOf = (model: UnifiedModel) => {
      const context = emptyContext(model);
      const hidden = feedTokens(model, context, [5, 6, 7]);
      const logits = inferLogits(model, hidden);
      const numbers = Array.from(logits.dataSync());
      tf.dispose([hidden, logits]);
      context.dispose();
      return numbers;
    };
    const found = logitsOf(frozen);
    // Weights of another type meet another kernel, which adds in another order.
    logitsOf(trained).forEach((logit, i) => {
      expect(Math.abs(found[i]! - logit)).toBeLessThan(1e-6);
    });
    const streamed = UnifiedModel.load(tiny, narrow, { trainable: 'none', read: 'streamed' });
    expect(logitsOf(streamed)).toEqual(found);
    streamed.dispose();
    frozen.dispose();
    expect(memoryStats().mappedBytes).toBe(before.mappedBytes);
    expect(tf.memory().numTensors).toBe(tensors);
    trained.dispose();
  });

  it('are chosen by name, and progress counts every byte', () => {
    const seen: LoadProgress[] = [];
    const model = UnifiedModel.load(tiny, narrow, {
      trainable: isGenerationExpert,
      onProgress: (progress) => seen.push(progress),
    });
    const names = modelTensors(tiny).map(({ name }) => name);
    expect([...model.variables().keys()]).toEqual(names.filter(isGenerationExpert));
    expect(seen).toHaveLength(names.length);
    expect(seen.at(-1)).toMatchObject({ tensors: names.length, bytes, totalBytes: bytes });
    expect(seen.at(-1)?.gigabytesPerSecond).toBeGreaterThan(0);
    const copy = join(dir, 'copy.safetensors');
    model.save(copy, 'stored');
    const file = openSafetensors(copy);
    expect(file.info('llm2vae.weight').dtype).toBe('BF16');
    expect(file.info('language_model.model.norm_moe_gen.weight').dtype).toBe('F32');
    file.close();
    model.dispose();
  });

  it('are copied in their type where the file does not align them', () => {
    const source = readFileSync(narrow);
    const length = Number(source.readBigUInt64LE(0));
    // JSON allows a space at the end: one byte more moves all numbers to odd places.
    const header = Buffer.concat([source.subarray(8, 8 + length), Buffer.from(' ')]);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(header.length));
    const odd = join(dir, 'odd.safetensors');
    writeFileSync(odd, Buffer.concat([size, header, source.subarray(8 + length)]));
    const before = memoryStats();
    const moved = UnifiedModel.load(tiny, odd, { trainable: 'none' });
    expect(memoryStats().mappedBytes).toBe(before.mappedBytes);
    const aligned = UnifiedModel.load(tiny, narrow, { trainable: 'none' });
    expect(values(moved)).toEqual(values(aligned));
    expect(storedType(moved.tensors().get('vae2llm.weight') as tf.Tensor)).toBe('bfloat16');
    moved.dispose();
    aligned.dispose();
  });
});
