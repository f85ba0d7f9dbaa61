import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tf, valueAndGrads } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textItem, tiny, tokenizer, useStrictNative, wave } from '../../test/tiny-model.js';
import { openSafetensors } from '../tensor-io/index.js';
import { LoraAdapter } from './lora.js';
import { ADAPTER_CONFIG, ADAPTER_FILE, loadAdapter, saveAdapter, saveMerged } from './lora-files.js';
import type { LoraSettings } from './lora-settings.js';
import { packRow } from './pack-row.js';
import { type StagedRow, stageRow } from './staged-row.js';
import { UnifiedModel } from './unified-model.js';

const settings: LoraSettings = {
  rank: 4,
  alpha: 8,
  rankStabilised: false,
  dora: false,
  targets: { und: ['q', 'v', 'down'], gen: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] },
};

let folder: string;
let model: UnifiedModel;
let row: StagedRow;
let noise: tf.Tensor2D;

beforeAll(() => {
  useStrictNative();
  folder = mkdtempSync(join(tmpdir(), 'lora-'));
  model = UnifiedModel.init(tiny, 3);
  const { tokenDim } = tiny.latent;
  // The velocity head starts at zero; with it nothing of the generation expert would show.
  model
    .variables()
    .get('llm2vae.weight')!
    .assign(tf.tensor2d(wave(tokenDim * 32, 0.3), [tokenDim, 32]));
  const picture = { kind: 'vae', latents: wave(4 * tokenDim), rows: 2, columns: 2, loss: true } as const;
  const items = [textItem([5, 6, 7]), textItem([8, 9], true), { ...picture, droppable: false }];
  row = stageRow(packRow([{ sample: { id: 'a', items } }], tiny, tokenizer.special), tiny);
  noise = tf.tensor2d(
    wave(4 * tokenDim).map((x) => -x),
    [4, tokenDim],
  );
});
afterAll(() => {
  row.dispose();
  model.dispose();
  noise.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const losses = (of = model): number[] =>
  tf.tidy(() => {
    const { ce, mse } = of.forwardTrain(row, { times: [0.5], noise });
    return [...ce!.dataSync(), ...mse!.dataSync()];
  });

/** An adapter that changes something: B is not zero. */
function loud(seed: number, chosen = settings): LoraAdapter {
  const adapter = LoraAdapter.fresh(chosen, model.adapterTargets(), seed);
  for (const [name, variable] of adapter.variables()) {
    if (!name.includes('lora_B')) continue;
    tf.tidy(() => variable.assign(tf.tensor(wave(variable.size, 0.2), variable.shape)));
  }
  return adapter;
}

describe('a low-rank adapter', () => {
  it('has the names and shapes of PEFT', () => {
    const adapter = LoraAdapter.fresh(settings, model.adapterTargets(), 1);
    const shapes = new Map([...adapter.variables()].map(([name, { shape }]) => [name, shape]));
    const layer = 'base_model.model.language_model.model.layers.1';
    expect(shapes.get(`${layer}.self_attn.q_proj.lora_A.weight`)).toEqual([4, 32]);
    expect(shapes.get(`${layer}.self_attn.k_proj_moe_gen.lora_B.weight`)).toEqual([16, 4]);
    expect(shapes.get(`${layer}.mlp_moe_gen.down_proj.lora_A.weight`)).toEqual([4, 48]);
    expect(shapes.size).toBe(2 * 2 * (3 + 7));
    expect(adapter.modules()).not.toContain('language_model.model.layers.0.self_attn.k_proj');
    adapter.dispose();
  });

  it('changes nothing at first, something later, and nothing when it is off', () => {
    const base = losses();
    const quiet = LoraAdapter.fresh(settings, model.adapterTargets(), 1);
    const [first, second] = [loud(1), loud(2)];
    model.useAdapter(quiet);
    expect(losses()).toEqual(base);
    model.useAdapter(first);
    const withFirst = losses();
    expect(Math.abs(withFirst[0]! - base[0]!)).toBeGreaterThan(1e-4);
    expect(model.withAdapter(second, () => losses())).not.toEqual(withFirst);
    expect(model.adapter).toBe(first);
    expect(losses()).toEqual(withFirst);
    model.useAdapter(null);
    expect(losses()).toEqual(base);
    for (const adapter of [quiet, first, second]) adapter.dispose();
  });

  it('gets gradients, with and without recomputation, and the base gets none', () => {
    const adapter = loud(3);
    model.useAdapter(adapter);
    const variables = [...adapter.variables().values()];
    const gradients = (recompute: boolean) => {
      const { loss, grads } = valueAndGrads(() => {
        const { ce, mse } = model.forwardTrain(row, { times: [0.5], noise, recompute });
        return { loss: tf.add(tf.mean(ce!), tf.mean(mse!)) as tf.Scalar };
      }, variables);
      const values = grads.map((g) => [...g!.dataSync()]);
      tf.dispose([loss, ...grads.filter((g) => g !== null)]);
      return values;
    };
    const kept = gradients(false);
    expect(kept.every((values) => values.some((value) => value !== 0))).toBe(true);
    gradients(true).forEach((values, i) => {
      values.forEach((value, j) => {
        expect(value).toBeCloseTo(kept[i]![j]!, 5);
      });
    });
    const { grads } = valueAndGrads(
      () => ({ loss: tf.mean(model.forwardTrain(row, { times: [0.5], noise }).ce!) as tf.Scalar }),
      [model.variables().get('language_model.model.layers.0.self_attn.q_proj.weight')!],
    );
    expect(grads).toEqual([null]);
    model.useAdapter(null);
    adapter.dispose();
  });

  it('is the same after saving and loading, and merged', () => {
    const before = tf.memory().numTensors;
    const adapter = loud(4, { ...settings, rankStabilised: true });
    model.useAdapter(adapter);
    const expected = losses();
    saveAdapter(folder, adapter, 'models/base');
    saveMerged(model, join(folder, 'merged.safetensors'));

    const loaded = loadAdapter(folder, model.adapterTargets());
    expect(loaded.settings).toEqual(adapter.settings);
    model.useAdapter(loaded);
    expect(losses()).toEqual(expected);
    model.useAdapter(null);
    const merged = UnifiedModel.load(tiny, join(folder, 'merged.safetensors'));
    losses(merged).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });
    merged.dispose();
    loaded.dispose();
    adapter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says to PEFT exactly which modules it updates', () => {
    const adapter = loud(5);
    saveAdapter(folder, adapter, 'models/base');
    const config = JSON.parse(readFileSync(join(folder, ADAPTER_CONFIG), 'utf8'));
    expect(config).toMatchObject({ peft_type: 'LORA', r: 4, lora_alpha: 8, bias: 'none' });
    const modules = [...model.variables().keys()].map((name) => name.replace(/\.(weight|bias)$/, ''));
    const matched = new Set(
      modules.filter((name) => new RegExp(`^(?:${config.target_modules})$`).test(name)),
    );
    expect([...matched].sort()).toEqual(adapter.modules().sort());
    const file = openSafetensors(join(folder, ADAPTER_FILE));
    expect(file.names()).toHaveLength(2 * matched.size);
    file.close();
    adapter.dispose();
  });

  it('refuses an adapter of another model, naming each tensor', () => {
    const adapter = loud(6);
    saveAdapter(folder, adapter, 'models/base');
    const targets = new Map(model.adapterTargets());
    targets.delete('language_model.model.layers.1.self_attn.q_proj');
    targets.set('language_model.model.layers.0.self_attn.q_proj', {
      ...model.adapterTargets().get('language_model.model.layers.0.self_attn.q_proj')!,
      out: 8,
      in: 16,
    });
    expect(() => loadAdapter(folder, targets)).toThrow(
      /layers\.0\.self_attn\.q_proj\.lora_A\.weight: expected \[4,16\], found \[4,32\][\s\S]*layers\.1\.self_attn\.q_proj\.lora_A\.weight: the model has no such projection/,
    );
    adapter.dispose();
  });
});
