import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { characterFolder } from '../../test/train/tiny-run.js';
import { loadConfig } from '../config/index.js';
import { loadModelConfig, modelTensors } from '../model/index.js';
import { countWeights, estimateTraining } from './estimate.js';
import { measureTraining } from './measure.js';
import { planRun } from './run-plan.js';

const models = fileURLToPath(new URL('../../../../models/', import.meta.url));
const base = join(models, 'nano');
const config = (overrides = {}) => loadConfig(undefined, { data: 'd', base, ...overrides });
const stage = async (overrides = {}) => (await estimateTraining(config(overrides))).stages.at(-1)!;

describe('estimateTraining', () => {
  it('counts every weight and at least what weights and optimizer take', async () => {
    const { parameters, memoryBytes, vaeParameters, stages } = await estimateTraining(config());
    expect(parameters).toBe(countWeights(modelTensors(loadModelConfig(base))));
    expect(vaeParameters).toBeGreaterThan(1e5);
    expect(memoryBytes).toBeGreaterThan(16 * parameters);
    expect(stages.map((entry) => entry.stage)).toEqual(['vae', 'sft']);
  });

  it('grows with what is asked for', async () => {
    const plain = await stage();
    const ema = await stage({ 'sft.emaDecay': 0.9 });
    const leaner = await stage({ 'sft.activationCheckpointing': true });
    const halved = await stage({ 'sft.optimizer.state': 'bf16' });
    expect(ema.memory!.total - plain.memory!.total).toBe(4 * plain.trained);
    expect(plain.memory!.total - halved.memory!.total).toBe(4 * plain.trained);
    expect(leaner.memory!.total).toBeLessThan(plain.memory!.total);
    const coded = await stage({ 'sft.optimizer.state': 'int8' });
    expect(coded.memory!.optimizer / plain.memory!.optimizer).toBeCloseTo(0.25 + 1 / 256, 6);
    const longer = await stage({ 'sft.steps': 30_000 });
    expect(longer.seconds / plain.seconds).toBeGreaterThan(20);
  });

  it('knows that an adapter trains few weights, and that replies train the other expert', async () => {
    const pretrained = { base: join(models, 'nano-toy'), 'image.size': 64 };
    const full = await stage({ ...pretrained, 'sft.train.mode': 'full' });
    const lora = await stage(pretrained);
    expect(lora.trained).toBeLessThan(full.trained / 10);
    expect(lora.memory!.optimizer).toBe(8 * lora.trained);
    const grpo = await stage({ ...pretrained, stage: 'grpo' });
    expect(grpo.trained).toBe(lora.trained / 2);
    const text = await stage({ ...pretrained, stage: 'text-grpo', 'textGrpo.epochs': 3 });
    expect(text.trained).toBe(lora.trained / 2);
  });
});

describe('measureTraining', () => {
  const out = mkdtempSync(join(tmpdir(), 'measure-'));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it.each([
    ['lora', {}],
    ['full', {}],
    ['full', { 'sft.optimizer.state': 'int8' }],
    ['lora', { 'sft.train.lora.dora': true }],
  ])('takes real steps (%s, %j), and the planned memory is that of the steps', async (mode, change) => {
    const plan = loadConfig(undefined, {
      data: characterFolder,
      base: join(models, 'nano-toy'),
      out: join(out, mode),
      precision: 'bf16',
      'image.size': 64,
      'sft.steps': 40,
      'sft.tokensPerPack': 1024,
      'sft.train.mode': mode,
      ...change,
    });
    const [measured] = await measureTraining(plan);
    expect(measured).toMatchObject({ stage: 'sft' });
    expect(measured!.seconds).toBeCloseTo(40 * measured!.secondsPerStep, 6);
    const { memoryBytes } = (await planRun(plan)).estimate;
    expect(memoryBytes / measured!.peakBytes).toBeGreaterThan(0.85);
    expect(memoryBytes / measured!.peakBytes).toBeLessThan(1.2);
  });
});
