import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AdamW,
  memoryStats,
  randomNormal,
  resetPeak,
  setStrict,
  tf,
  valueAndGrads,
  withAutocast,
} from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nano, textItem, tokenizer, useStrictNative } from '../../test/tiny-model.js';
import { draw } from '../generate/index.js';
import {
  type EncodedItem,
  type EncodedSample,
  FlowVae,
  isGenerationExpert,
  LoraAdapter,
  type LoraSettings,
  loadModelConfig,
  type ModelConfig,
  packRow,
  stageRow,
  UnifiedModel,
} from '../model/index.js';
import { inspectModel } from './inspect-model.js';
import { type MemoryNeeds, memoryPlans, PUBLISHED_NEEDS, type Purpose } from './memory-plan.js';
import { countModelParts, countVaeParts, totalOf } from './parts.js';

const published = fileURLToPath(new URL('../../../../models/bagel-7b-mot', import.meta.url));

describe('the published model', () => {
  const config = loadModelConfig(published);

  it('is counted exactly, part by part', () => {
    const parts = countModelParts(config);
    expect(totalOf('', parts)).toMatchObject({ tensors: 1223, parameters: 14_607_260_128 });
    expect(totalOf('', countVaeParts(config))).toMatchObject({ tensors: 244, parameters: 83_819_683 });
    const of = (name: string) => parts.find(({ part }) => part === name);
    expect(of('generation expert')?.parameters).toBe(6_525_628_928);
    expect(of('vision tower')).toMatchObject({ tensors: 421, parameters: 402_552_736 });
  });

  it('fits the cards that it can: inference from 48 GB on, full training on none', () => {
    const { plans, devices, files, ok } = inspectModel(published, PUBLISHED_NEEDS);
    const fits = (purpose: Purpose) =>
      devices
        .filter(
          ({ name, bytes }) =>
            name.endsWith('GB') && bytes >= (plans.find((p) => p.purpose === purpose)?.total ?? 0),
        )
        .map(({ name }) => name);
    expect(fits('inference')).toEqual(['48 GB', '80 GB', '141 GB']);
    expect(fits('LoRA-SFT')).toEqual(['48 GB', '80 GB', '141 GB']);
    expect(fits('full SFT')).toEqual([]);
    expect([files, ok]).toEqual([[], true]);
  });
});

/** A model between nano and the published one. */
const middle: ModelConfig = {
  ...nano,
  llm: {
    ...nano.llm,
    hiddenSize: 512,
    intermediateSize: 1408,
    layers: 8,
    heads: 8,
    kvHeads: 2,
    vocabSize: 8192,
  },
  vae: { ...nano.vae, channels: 32 },
};

describe.each([
  ['nano', nano, 128],
  ['a mid-size model', middle, 256],
])('the plan of %s', (_, config, size) => {
  const dir = mkdtempSync(join(tmpdir(), 'plan-'));
  const files = { model: join(dir, 'model.safetensors'), vae: join(dir, 'ae.safetensors') };
  const needs: MemoryNeeds = {
    ...PUBLISHED_NEEDS,
    width: size,
    height: size,
    promptTokens: 200,
    tokensPerPack: 1024,
    loraRank: 16,
  };
  beforeAll(() => {
    useStrictNative();
    const model = UnifiedModel.init(config, 1);
    model.save(files.model, 'BF16');
    model.dispose();
    const vae = FlowVae.init(config.vae, 1);
    vae.save(files.vae);
    vae.dispose();
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
    setStrict(false);
  });

  /** Peak of live and mapped tensors while `f` runs, beyond what was there before. */
  async function used(f: () => Promise<void> | void): Promise<number> {
    const before = memoryStats();
    resetPeak();
    await f();
    const { peakBytes } = memoryStats();
    return peakBytes - before.liveBytes;
  }

  const expectPlanned = (purpose: Purpose, real: number) => {
    const plan = memoryPlans(config, needs).find((entry) => entry.purpose === purpose);
    expect((plan?.total ?? 0) / real).toBeGreaterThan(0.9);
    expect((plan?.total ?? 0) / real).toBeLessThan(1.1);
  };
  const mapped = () => memoryStats().mappedBytes;

  it('is right within a tenth for drawing', async () => {
    const before = mapped();
    let weights = 0;
    const real = await used(async () => {
      const model = UnifiedModel.load(config, files.model, { trainable: 'none' });
      const vae = FlowVae.load(config.vae, files.vae, { trainable: 'none' });
      model.inferencePrecision = 'bf16';
      weights = mapped() - before;
      const request = [{ kind: 'text', text: 'word '.repeat(100) } as const];
      await draw({ model, vae, tokenizer }, request, { width: size, height: size, steps: 2 });
      model.dispose();
      vae.dispose();
    });
    expectPlanned('inference', real + weights);
  });

  it.each<[Purpose]>([['LoRA-SFT'], ['full SFT'], ['Character-GRPO']])(
    'is right within a tenth for %s',
    async (purpose) => {
      const before = mapped();
      let weights = 0;
      const real = await used(() => {
        const trainable =
          purpose === 'full SFT' ? 'all' : purpose === 'LoRA-SFT' ? 'none' : isGenerationExpert;
        const model = UnifiedModel.load(config, files.model, { trainable });
        const vae = FlowVae.load(config.vae, files.vae, { trainable: 'none' });
        weights = mapped() - before;
        const adapter = purpose === 'LoRA-SFT' ? LoraAdapter.fresh(LORA, model.adapterTargets(), 1) : null;
        model.useAdapter(adapter);
        trainTwice(model, [...(adapter ?? model).variables().values()], samplesOf(purpose));
        adapter?.dispose();
        model.dispose();
        vae.dispose();
      });
      expectPlanned(purpose, real + weights);
    },
  );

  const LORA: LoraSettings = {
    rank: needs.loraRank,
    alpha: 16,
    rankStabilised: false,
    dora: false,
    targets: {
      und: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
      gen: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
    },
  };

  function samplesOf(purpose: Purpose): EncodedSample[] {
    const side = size / config.latent.pixels;
    const latents = new Float32Array(side * side * config.latent.tokenDim).fill(0.1);
    const picture: EncodedItem = {
      kind: 'vae',
      latents,
      rows: side,
      columns: side,
      loss: true,
      droppable: false,
    };
    const ids = (count: number) => Array.from({ length: count }, (_, i) => i + 5);
    if (purpose === 'Character-GRPO')
      return [
        { id: 'prompted', items: [textItem(ids(needs.promptTokens - 2)), picture] },
        { id: 'free', items: [picture] },
      ];
    const pictures = Math.floor((needs.tokensPerPack * 0.6) / (side * side + 2));
    const drawn = Array.from({ length: pictures }, (_, i) => ({ id: `picture ${i}`, items: [picture] }));
    const left = needs.tokensPerPack - pictures * (side * side + 2) - 2;
    return [...drawn, { id: 'text', items: [textItem(ids(left), true)] }];
  }

  /** Two steps: the moments of the optimizer exist from the second on. */
  function trainTwice(model: UnifiedModel, variables: tf.Variable[], samples: EncodedSample[]): void {
    const row = packRow(
      samples.map((sample) => ({ sample })),
      config,
      tokenizer.special,
    );
    const staged = stageRow(row, config);
    const noise = randomNormal([row.latentImageOf.length, config.latent.tokenDim], {
      seed: 1,
      stream: 1,
      counter: 1,
    });
    const optimizer = new AdamW({ betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 });
    const times = row.latentImages.map(() => 0.5);
    for (let step = 0; step < 2; step++) {
      const { loss, grads } = withAutocast('bf16', () =>
        valueAndGrads(() => {
          const losses = model.forwardTrain(staged, { times, noise: noise as tf.Tensor2D, recompute: true });
          const sum = [losses.ce, losses.mse].flatMap((part) => (part ? [tf.mean(part)] : []));
          return { loss: tf.addN(sum) as tf.Scalar };
        }, variables),
      );
      const present = grads.filter((grad): grad is tf.Tensor => grad !== null);
      const trained = variables.filter((_, i) => grads[i] !== null);
      optimizer.step(trained, present, { lr: 1e-4 }).dispose();
      tf.dispose([loss, ...present]);
    }
    optimizer.dispose();
    staged.dispose();
    noise.dispose();
  }
});
