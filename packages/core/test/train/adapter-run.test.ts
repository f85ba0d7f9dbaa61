import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { counters, resetCounters, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import {
  emptyContext,
  feedTokens,
  inferLogits,
  loadAdapter,
  loadModelConfig,
  UnifiedModel,
} from '../../src/model/index.js';
import { openRun, RunFolder, readEvents, type StepEvent } from '../../src/run/index.js';
import { exportRun, trainCharacter } from '../../src/train/index.js';
import { tinyOptions, tinyWorld } from './tiny-run.js';

let world: ReturnType<typeof tinyWorld>;
const runOf = (name: string) => new RunFolder(join(world.root, name));
const options = (name: string) => ({
  ...tinyOptions(world.base, join(world.root, name)),
  'sft.steps': 14,
  'sft.optimizer.lr': 0.003,
  'sft.optimizer.state': 'bf16',
  'sft.accumulation': 2,
  'sft.train.lora.rank': 4,
  'checkpoints.every': 3,
});
const steps = (name: string) =>
  (readEvents(runOf(name).events).filter((event) => event.type === 'step') as StepEvent[]).map(
    ({ step, losses, gradNorm }) => ({ step, losses, gradNorm }),
  );

beforeAll(async () => {
  world = tinyWorld();
  // A base with weights: what a first run from nothing has learnt.
  await trainCharacter(
    loadConfig(undefined, { ...tinyOptions(world.base, join(world.root, 'base-run')), 'sft.steps': 10 }),
  );
  const run = runOf('base-run');
  copyFileSync(
    join(run.checkpoints.latest()!.path, 'model.safetensors'),
    join(world.base, 'model.safetensors'),
  );
  copyFileSync(run.vae, join(world.base, 'ae.safetensors'));
  copyFileSync(join(run.root, 'unified_config.json'), join(world.base, 'unified_config.json'));
}, 120_000);
afterAll(() => rmSync(world.root, { recursive: true, force: true }));

describe('a run on a base with weights', () => {
  it('trains an adapter, with bf16 moments and running means, and leaves the base alone', async () => {
    const base = readFileSync(join(world.base, 'model.safetensors'));
    resetCounters();
    const before = tf.memory().numTensors;
    const summary = await trainCharacter(loadConfig(undefined, options('adapter')));
    expect(summary.finished).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    expect(counters().fallbackKernels).toEqual({});
    const { path } = runOf('adapter').checkpoints.latest()!;
    expect(readdirSync(path).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'ema',
      'optimizer.safetensors',
      'state.json',
    ]);
    expect(existsSync(join(path, 'ema', 'adapter_model.safetensors'))).toBe(true);
    expect(readFileSync(join(world.base, 'model.safetensors'))).toEqual(base);
  });

  it('measures held-out losses before and after', () => {
    const measured = readEvents(runOf('adapter').events).filter((event) => event.type === 'validation');
    expect(measured.map(({ step }) => step)).toEqual([0, 14]);
    for (const { losses } of measured) {
      expect(losses.ce).toBeGreaterThan(0);
      expect(losses['mse/t2i']).toBeGreaterThan(0);
    }
    expect(measured[1]!.losses.ce).toBeLessThan(measured[0]!.losses.ce!);
  });

  it('goes on with the same numbers after a stop', async () => {
    const stop = new AbortController();
    await trainCharacter(loadConfig(undefined, options('stopped')), {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 4) stop.abort();
      },
    });
    expect(runOf('stopped').checkpoints.latest()?.step).toBe(4);
    await trainCharacter(loadConfig(undefined, options('stopped')));
    expect(steps('stopped')).toEqual(steps('adapter'));
  });

  it('exports its adapter, and a whole model that computes the same', async () => {
    const run = runOf('adapter').root;
    const [adapter, merged] = [join(world.root, 'as-adapter'), join(world.root, 'as-model')];
    expect(exportRun(run, { out: adapter, merged: false })).toEqual({
      kind: 'adapter',
      files: ['adapter_config.json', 'adapter_model.safetensors'],
    });
    exportRun(run, { out: merged, merged: true });
    expect(() => exportRun(run, { out: merged, merged: true })).toThrow(/expected a folder that is empty/);
    expect(() => exportRun(runOf('base-run').root, { out: join(world.root, 'x'), merged: false })).toThrow(
      /trained whole weights; export it merged/,
    );

    const config = loadModelConfig(merged);
    const whole = UnifiedModel.load(config, join(merged, 'ema.safetensors'));
    const base = UnifiedModel.load(config, join(world.base, 'model.safetensors'));
    const loaded = loadAdapter(adapter, base.adapterTargets());
    base.useAdapter(loaded);
    const hidden = (model: UnifiedModel) =>
      tf.tidy(() => {
        const ids = tf.tensor1d([5, 6, 7, 8], 'int32');
        const context = emptyContext(model);
        const values = inferLogits(model, feedTokens(model, context, ids.dataSync())).dataSync();
        context.dispose();
        return [...values];
      });
    const [expected, found] = [hidden(base), hidden(whole)];
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    for (const part of [loaded, base, whole]) part.dispose();
  });

  it('opens, and says which base is missing', async () => {
    const engine = await openRun(runOf('adapter').root);
    const { text } = await engine.reply({ user: 'Hello!', seed: 1 });
    expect(typeof text).toBe('string');
    engine.dispose();
    rmSync(join(world.base, 'model.safetensors'));
    await expect(openRun(runOf('adapter').root)).rejects.toThrow(
      /an adapter needs the base model it was trained on; expected weights in .*base, found none/,
    );
  });
});
