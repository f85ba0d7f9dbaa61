import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { modelTensors, vaeTensors } from './checkpoint-names.js';
import { loadModelConfig } from './config.js';

/** The published configuration files (spec 1.2, 1.3). */
const PUBLISHED = fileURLToPath(new URL('../../../../models/bagel-7b-mot', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(PUBLISHED, name), 'utf8')) as object;
const LLM = read('llm_config.json');
const VIT = read('vit_config.json');

function folder(llm: object, vit: object, unified?: object): string {
  const dir = mkdtempSync(join(tmpdir(), 'model-config-'));
  writeFileSync(join(dir, 'llm_config.json'), JSON.stringify(llm));
  writeFileSync(join(dir, 'vit_config.json'), JSON.stringify(vit));
  if (unified) writeFileSync(join(dir, 'unified_config.json'), JSON.stringify(unified));
  return dir;
}

const elements = (shapes: readonly (readonly number[])[]) =>
  shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);

describe('the published configuration', () => {
  const config = loadModelConfig(folder(LLM, VIT));

  it('describes exactly the published tensors', () => {
    const tensors = modelTensors(config);
    expect(tensors).toHaveLength(1223);
    expect(elements(tensors.map((t) => t.shape))).toBe(14_607_260_128);
    expect(tensors.filter((t) => t.name.startsWith('vit_model.'))).toHaveLength(421);
    const generation = tensors.filter((t) => t.name.includes('moe_gen'));
    expect(elements(generation.map((t) => t.shape))).toBe(6_525_628_928);
    expect(new Set(tensors.map((t) => t.name)).size).toBe(1223);
  });

  it('describes exactly the tensors of the published autoencoder', () => {
    const tensors = vaeTensors(config.vae);
    expect(tensors).toHaveLength(244);
    expect(elements(tensors.map((t) => t.shape))).toBe(83_819_683);
  });

  it('builds one vision layer fewer than the file says and derives sizes', () => {
    expect(config.vit.layers).toBe(26);
    expect(config.vit.headDim).toBe(72);
    expect(config.vit.patchesPerSide).toBe(70);
    expect(config.llm.headDim).toBe(128);
    expect(config.latent).toEqual({ patch: 2, maxSide: 64, tokenDim: 64, pixels: 16 });
    expect(config.images.vitTraining.minSize).toBe(378);
  });
});

describe('wrong configurations', () => {
  it.each([
    [
      'a missing field',
      () => folder({ ...LLM, rope_theta: undefined }, VIT),
      /llm_config\.json.*"rope_theta".*nothing/,
    ],
    [
      'a feature that is not built',
      () => folder({ ...LLM, rope_scaling: { factor: 4 } }, VIT),
      /"rope_scaling"/,
    ],
    [
      'another architecture',
      () => folder({ ...LLM, model_type: 'llama' }, VIT),
      /"model_type".*"qwen2".*"llama"/,
    ],
    [
      'a misspelt override',
      () => folder(LLM, VIT, { vae: { chanels: 64 } }),
      /unified_config\.json: vae.*"chanels"/,
    ],
    ['channels that do not split', () => folder(LLM, VIT, { vae: { ch: 48 } }), /48 channels.*32 groups/],
    [
      'a rule beyond the table',
      () => folder(LLM, VIT, { max_latent_size: 32 }),
      /vae_transform.*at most 512/,
    ],
    [
      'heads that do not divide',
      () => folder({ ...LLM, num_key_value_heads: 5 }, VIT),
      /num_key_value_heads 5/,
    ],
  ])('names %s', (_, make, message) => {
    expect(() => loadModelConfig(make())).toThrow(message);
  });
});
