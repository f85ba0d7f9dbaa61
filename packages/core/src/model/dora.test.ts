import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStats, tf, valueAndGrads, withAutocast } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textItem, tiny, tokenizer, useStrictNative, wave } from '../../test/tiny-model.js';
import { openSafetensors } from '../tensor-io/index.js';
import { LoraAdapter, mergedWeight } from './lora.js';
import { ADAPTER_CONFIG, ADAPTER_FILE, loadAdapter, saveAdapter, saveMerged } from './lora-files.js';
import type { LoraSettings } from './lora-settings.js';
import { project } from './mot-transformer.js';
import { packRow } from './pack-row.js';
import { type StagedRow, stageRow } from './staged-row.js';
import { UnifiedModel } from './unified-model.js';

const settings: LoraSettings = {
  rank: 4,
  alpha: 8,
  rankStabilised: false,
  dora: true,
  targets: { und: ['q', 'v', 'down'], gen: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] },
};

let folder: string;
let model: UnifiedModel;
let row: StagedRow;
let noise: tf.Tensor2D;

beforeAll(() => {
  useStrictNative();
  folder = mkdtempSync(join(tmpdir(), 'dora-'));
  model = UnifiedModel.init(tiny, 3);
  const { tokenDim } = tiny.latent;
  model
    .variables()
    .get('llm2vae.weight')!
    .assign(tf.tensor2d(wave(tokenDim * 32, 0.3), [tokenDim, 32]));
  const picture = { kind: 'vae', latents: wave(4 * tokenDim), rows: 2, columns: 2, loss: true } as const;
  const items = [textItem([5, 6, 7]), textItem([8, 9], true), { ...picture, droppable: false }];
  row = stageRow(packRow([{ sample: { id: 'a', items } }], tiny, tokenizer.special), tiny);
  noise = tf.tensor2d(wave(4 * tokenDim, -1), [4, tokenDim]);
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

/** An adapter whose parts all change something. */
function loud(of = model): LoraAdapter {
  const adapter = LoraAdapter.fresh(settings, of.adapterTargets(), 1);
  for (const [name, variable] of adapter.variables()) {
    const factor = name.endsWith('magnitude_vector') ? 0.3 : 0.2;
    const change = tf.tensor(wave(variable.size, factor), variable.shape);
    if (name.includes('lora_B')) variable.assign(change);
    if (name.endsWith('magnitude_vector'))
      tf.tidy(() => variable.assign(tf.mul(variable, tf.add(change, 1))));
    change.dispose();
  }
  return adapter;
}

const expectNear = (found: readonly number[], expected: readonly number[], digits: number) => {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, digits);
  });
};

describe('a weight-decomposed adapter', () => {
  it('starts with the row lengths of the base, and changes nothing at first', () => {
    const base = losses();
    const adapter = LoraAdapter.fresh(settings, model.adapterTargets(), 1);
    const module = 'language_model.model.layers.1.self_attn.q_proj_moe_gen';
    const magnitude = adapter.variables().get(`base_model.model.${module}.lora_magnitude_vector`)!;
    const weight = model.tensors().get(`${module}.weight`)!;
    const lengths = (weight.arraySync() as number[][]).map((values) => Math.hypot(...values));
    expect(magnitude.shape).toEqual([32]);
    expectNear([...magnitude.dataSync()], lengths, 6);
    expect(adapter.variables().size).toBe(3 * 2 * (3 + 7));
    expectNear(
      model.withAdapter(adapter, () => losses()),
      base,
      5,
    );
    adapter.dispose();
  });

  it('computes m ⊙ (W + s·B·A) / ‖W + s·B·A‖, in float64', () => {
    const numbers = (shape: [number, number], scale: number) =>
      tf.tensor2d(wave(shape[0] * shape[1], scale), shape);
    const [x, weight] = [numbers([3, 6], 1), numbers([5, 6], 0.7)];
    const bias = tf.tensor1d(wave(5));
    const target = { out: 5, in: 6, weight };
    const module = 'language_model.model.layers.0.self_attn.q_proj';
    const chosen = { ...settings, targets: { und: ['q' as const], gen: [] } };
    const adapter = LoraAdapter.fresh(chosen, new Map([[module, target]]), 1);
    const [A, B, m] = [...adapter.variables().values()];
    tf.tidy(() => B!.assign(numbers([5, 4], 0.4)));
    tf.tidy(() => m!.assign(tf.tensor1d([1, 2, 0.5, 3, 1])));
    const update = adapter.update(module)!;
    const found = tf.tidy(() => project(x, { weight, bias, update }).arraySync()) as number[][];

    const [a, b, w] = [A, B, weight].map((tensor) => tensor!.arraySync() as number[][]);
    const changed = w!.map((values, i) =>
      values.map((value, k) => value + 2 * b![i]!.reduce((sum, factor, r) => sum + factor * a![r]![k]!, 0)),
    );
    const [lengths, offsets] = [m!.dataSync(), bias.dataSync()];
    const merged = changed.map((values, i) => values.map((v) => (lengths[i]! * v) / Math.hypot(...values)));
    const expected = (x.arraySync() as number[][]).map((input) =>
      merged.map((values, i) => offsets[i]! + values.reduce((sum, v, k) => sum + v * input[k]!, 0)),
    );
    expectNear(found.flat(), expected.flat(), 5);
    const whole = mergedWeight(weight, update);
    expectNear([...whole.dataSync()], merged.flat(), 5);
    adapter.dispose();
    tf.dispose([x, weight, bias, whole]);
  });

  it('has the gradients of differences, the norm held; with recomputation the same ones', () => {
    const before = tf.memory().numTensors;
    const adapter = loud();
    model.useAdapter(adapter);
    const variables = [...adapter.variables().values()];
    const loss = (recompute = false) => {
      const { ce, mse } = model.forwardTrain(row, { times: [0.5], noise, recompute });
      return tf.add(tf.mean(ce!), tf.mean(mse!)) as tf.Scalar;
    };
    const gradients = (recompute: boolean) => {
      const { loss: value, grads } = valueAndGrads(() => ({ loss: loss(recompute) }), variables);
      const host = grads.map((g) => [...g!.dataSync()]);
      tf.dispose([value, ...grads.filter((g) => g !== null)]);
      return host;
    };
    const kept = gradients(false);
    expect(kept.every((values) => values.some((value) => value !== 0))).toBe(true);
    gradients(true).forEach((values, i) => {
      expectNear(values, kept[i]!, 5);
    });

    // Lengths do not enter the norm: their gradient is that of the loss as it stands.
    const index = [...adapter.variables().keys()].findIndex((name) => name.endsWith('magnitude_vector'));
    const magnitude = variables[index]!;
    const values = Float32Array.from(magnitude.dataSync());
    for (const at of [0, 17]) {
      const [above, below] = [1, -1].map((side) => {
        const moved = Float32Array.from(values);
        moved[at]! += side * 0.01;
        return tf.tidy(() => {
          magnitude.assign(tf.tensor1d(moved));
          return loss().dataSync()[0]!;
        });
      });
      expect((above! - below!) / 0.02).toBeCloseTo(kept[index]![at]!, 3);
    }
    model.useAdapter(null);
    adapter.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gets the gradients of A and B of the same product with a constant norm', () => {
    const module = 'language_model.model.layers.0.mlp_moe_gen.down_proj';
    const adapter = loud();
    const update = adapter.update(module)!;
    const { weight } = model.adapterTargets().get(module)!;
    const x = tf.tensor2d(wave(3 * 48), [3, 48]);
    const variables = [update.a, update.b, update.rows!.magnitude] as unknown as tf.Variable[];
    const factor = tf.tidy(() => tf.clone(update.rows!.factor(weight, update)));
    const gradients = (run: () => tf.Tensor, of: tf.Variable[]) => {
      const { grads } = valueAndGrads(() => ({ loss: tf.sum(tf.square(run())) as tf.Scalar }), of);
      return grads.map((grad) => [...grad!.dataSync()]);
    };
    const own = gradients(() => project(x, { weight, bias: null, update }), variables);
    const plain = gradients(
      () => {
        const whole = tf.add(weight, tf.mul(tf.matMul(update.b, update.a), update.scale)) as tf.Tensor2D;
        return tf.mul(tf.matMul(x, whole, false, true), factor);
      },
      variables.slice(0, 2),
    );
    plain.forEach((values, i) => {
      expectNear(own[i]!, values, 4);
    });
    adapter.dispose();
  });

  it('computes in bf16 what it computes in float32', () => {
    const adapter = loud();
    const [wide, narrow] = model.withAdapter(adapter, () => [losses(), withAutocast('bf16', () => losses())]);
    narrow!.forEach((value, i) => {
      expect(Math.abs(value - wide![i]!)).toBeLessThan(0.03 * Math.max(1, Math.abs(wide![i]!)));
    });
    adapter.dispose();
  });

  it('is the same after saving and loading under the names of PEFT, copied, and merged', () => {
    const before = tf.memory().numTensors;
    const adapter = loud();
    const expected = model.withAdapter(adapter, () => losses());
    saveAdapter(folder, adapter, 'models/base');
    model.withAdapter(adapter, () => saveMerged(model, join(folder, 'merged.safetensors')));
    expect(JSON.parse(readFileSync(join(folder, ADAPTER_CONFIG), 'utf8'))).toMatchObject({ use_dora: true });
    const file = openSafetensors(join(folder, ADAPTER_FILE));
    expect(file.names().filter((name) => name.endsWith('.lora_magnitude_vector'))).toHaveLength(2 * (3 + 7));
    file.close();

    const loaded = loadAdapter(folder, model.adapterTargets());
    expect(loaded.settings).toEqual(settings);
    const copy = loaded.copy();
    for (const same of [loaded, copy]) expect(model.withAdapter(same, () => losses())).toEqual(expected);
    const merged = UnifiedModel.load(tiny, join(folder, 'merged.safetensors'));
    expectNear(losses(merged), expected, 4);
    for (const part of [adapter, loaded, copy, merged]) part.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves a bf16 base where it lies on disk: all that comes on top are norms', () => {
    const path = join(folder, 'base.safetensors');
    model.save(path, 'BF16');
    const base = UnifiedModel.load(tiny, path, { trainable: 'none' });
    const adapter = loud(base);
    base.useAdapter(adapter);
    const [live, mapped] = [memoryStats().liveBytes, memoryStats().mappedBytes];
    expect(mapped).toBeGreaterThan(0);
    tf.tidy(() => withAutocast('bf16', () => base.forwardTrain(row, { times: [0.5], noise })));
    const outputs = adapter.modules().map((module) => base.adapterTargets().get(module)!.out);
    const norms = 4 * outputs.reduce((sum, out) => sum + out, 0);
    expect(memoryStats().liveBytes - live).toBeLessThan(2 * norms);
    expect(memoryStats().mappedBytes).toBe(mapped);
    base.dispose();
    adapter.dispose();
  });
});
