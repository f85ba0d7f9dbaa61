import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { counters, resetCounters, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { encodePng, solidImage } from '../../src/image/index.js';
import {
  emptyContext,
  feedTokens,
  inferLogits,
  loadAdapter,
  loadModelConfig,
  UnifiedModel,
} from '../../src/model/index.js';
import { openRun, RunFolder, readEvents, type StepEvent, type TrainEvent } from '../../src/run/index.js';
import { exportRun, trainCharacter } from '../../src/train/index.js';
import { writeFolder } from '../character-folders.js';
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

  it('mixes in general data, with DoRA and 8-bit moments: drawn for their share, learnt from, and the same after a stop', async () => {
    const general = await writeFolder({
      'rain.png': Buffer.from(await encodePng(solidImage(32, 32, [40, 60, 90]))),
      'character.yaml': [
        'name: Everyday',
        'description: General talk.',
        'dialogues: [{ user: Is it raining?, reply: Yes it is raining all day. }]',
        't2i: [{ image: rain, instruction: Rain over a lake. }]',
      ].join('\n'),
    });
    const options2 = {
      ...options('prior'),
      'sft.train.lora.dora': true,
      'sft.optimizer.state': 'int8',
      'sft.prior.data': general,
      'sft.prior.share': 0.4,
    };
    const stop = new AbortController();
    const seen: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => {
      seen.push(event);
      if (event.type === 'step' && event.step === 5) stop.abort();
    };
    await trainCharacter(loadConfig(undefined, options2), { signal: stop.signal, onEvent });
    await trainCharacter(loadConfig(undefined, options2), { onEvent });
    const start = seen.find((event) => event.type === 'start')!;
    const shares = Object.fromEntries(start.data.tasks.map(({ task, share }) => [task, share]));
    expect(shares.prior).toBe(0.4);
    expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    const taken = seen.filter((event) => event.type === 'step' && event.stage === 'sft') as StepEvent[];
    const drawn = taken.flatMap(({ tasks }) => Object.entries(tasks!));
    const count = (of: (task: string) => boolean) =>
      drawn.reduce((sum, [task, samples]) => sum + (of(task) ? samples : 0), 0);
    expect(count((task) => task === 'prior') / count(() => true)).toBeCloseTo(0.4, 1);
    const losses = taken.map((event) => event.losses);
    expect(losses.at(-1)!['ce/prior']).toBeLessThan(losses[0]!['ce/prior']! - 0.05);
    expect(losses.some((loss) => loss['mse/prior']! > 0)).toBe(true);
    await trainCharacter(loadConfig(undefined, { ...options2, out: runOf('prior-straight').root }));
    expect(steps('prior')).toEqual(steps('prior-straight'));
    rmSync(general, { recursive: true });
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
