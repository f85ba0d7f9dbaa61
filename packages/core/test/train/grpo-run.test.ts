import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { counters, resetCounters, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { compositeReward, type RewardSample } from '../../src/reward/index.js';
import { openRun, RunFolder, readEvents, type StepEvent, type TrainEvent } from '../../src/run/index.js';
import { openSafetensors } from '../../src/tensor-io/index.js';
import { trainCharacter } from '../../src/train/index.js';
import { redness } from './redness.mjs';
import { tinyOptions, tinyWorld } from './tiny-run.js';

let world: ReturnType<typeof tinyWorld>;
const runOf = (name: string) => new RunFolder(join(world.root, name));

/** A run whose Unified-SFT is done, and a reward that the pictures can follow. */
const options = (name: string, change: Record<string, unknown> = {}) => ({
  ...tinyOptions(world.base, join(world.root, name)),
  'vae.steps': 120,
  'vae.optimizer.lr': 0.003,
  'sft.steps': 30,
  'sft.emaDecay': 0,
  'grpo.epochs': 6,
  'grpo.promptsPerEpoch': 2,
  'grpo.groupSize': 12,
  'grpo.imagesPerPass': 6,
  'grpo.updates': 2,
  'grpo.every': 3,
  'grpo.sampling.steps': 6,
  'grpo.sampling.guidance': 1.5,
  'grpo.sampling.sameNoise': true,
  'grpo.window.to': 4,
  'grpo.anchor.weight': 0.001,
  'grpo.train.lora.rank': 8,
  'grpo.emaDecay': 0.5,
  'grpo.optimizer.lr': 0.01,
  'alarms.zeroVarianceAbove': 0.99,
  ...change,
});

/** A copy of the run after Unified-SFT, and the options to go on with it. */
function goOn(name: string, change: Record<string, unknown> = {}) {
  cpSync(join(world.root, 'sft'), join(world.root, name), { recursive: true });
  return loadConfig(undefined, options(name, { stage: 'grpo', ...change }));
}

const steps = (name: string) =>
  (readEvents(runOf(name).events).filter((event) => event.type === 'step') as StepEvent[])
    .filter(({ stage }) => stage === 'grpo')
    .map(({ step, losses, gradNorm, rewards, measures, lr }) => ({
      step,
      losses,
      gradNorm,
      rewards,
      measures,
      lr,
    }));

beforeAll(async () => {
  world = tinyWorld();
  await trainCharacter(loadConfig(undefined, options('sft')));
});
afterAll(() => rmSync(world.root, { recursive: true, force: true }));

describe('Character-GRPO', () => {
  it('raises a simple reward, without fallbacks or leaks', async () => {
    const config = goOn('red');
    resetCounters();
    const before = tf.memory().numTensors;
    const summary = await trainCharacter(config, { imageReward: redness() });
    expect(summary.finished).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    expect(counters().fallbackKernels).toEqual({});
    const [first, last] = [steps('red')[0]!, steps('red').at(-1)!];
    // By far more than pictures of one policy differ from each other.
    expect(last.rewards!.redness! - first.rewards!.redness!).toBeGreaterThan(3 * first.measures!.rewardStd!);
    expect(last.measures!.kl).toBeGreaterThan(0);
    expect(first.measures!.ratio).toBeCloseTo(1, 2);
  }, 60_000);

  it('logs the reward of every picture of every prompt, and keeps an adapter of the generation expert', () => {
    const judged = readEvents(runOf('red').events).filter((event) => event.type === 'rewards');
    expect(judged).toHaveLength(6);
    for (const { prompts } of judged) {
      expect(prompts).toHaveLength(2);
      for (const { total, parts } of prompts) expect(parts.redness).toEqual(total);
    }
    const { path } = runOf('red').grpo.latest()!;
    expect(readdirSync(path).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'ema',
      'optimizer.safetensors',
      'state.json',
    ]);
    const file = openSafetensors(join(path, 'adapter_model.safetensors'));
    expect(file.names().every((name) => name.includes('_moe_gen'))).toBe(true);
    file.close();
  });

  it('repeats the same numbers after kill -9 and after a stop in the middle of an epoch', async () => {
    goOn('killed');
    await trainAndKill('killed', 'grpo 4');
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const config = loadConfig(undefined, options('killed', { stage: 'grpo' }));
    const stopped = await trainCharacter(config, { imageReward: redness(), signal: stop.signal });
    if (!stopped.finished) await trainCharacter(config, { imageReward: redness() });
    expect(steps('killed')).toEqual(steps('red'));
  }, 60_000);

  it('thinks before it draws, teaches both experts, and repeats the same numbers after a stop', async () => {
    const thinking = {
      'grpo.epochs': 2,
      'grpo.groupSize': 4,
      'grpo.updates': 1,
      'grpo.thinking.weight': 0.5,
      'grpo.thinking.maxTokens': 8,
    };
    await expect(trainCharacter(goOn('deaf', thinking), { imageReward: redness() })).rejects.toThrow(
      /teaches the understanding expert, and nothing of it would be trained; give train\.lora\.und/,
    );
    const both = { ...thinking, 'grpo.train.lora.und': ['q', 'v'] };
    await trainCharacter(goOn('thinking', both), { imageReward: redness() });
    const config = goOn('thinking-stopped', both);
    const stop = new AbortController();
    const onEvent = ({ type }: TrainEvent) => type === 'step' && stop.abort();
    await trainCharacter(config, { imageReward: redness(), signal: stop.signal, onEvent });
    expect(steps('thinking-stopped')).toHaveLength(1);
    await trainCharacter(config, { imageReward: redness() });
    expect(steps('thinking-stopped')).toEqual(steps('thinking'));
    expect(steps('thinking')[1]!.measures!['plan/kl']).toBeGreaterThan(0);
    const file = openSafetensors(join(runOf('thinking').grpo.latest()!.path, 'adapter_model.safetensors'));
    const up = file.names().filter((name) => name.includes('lora_B') && !name.includes('_moe_gen'));
    expect(up.length).toBeGreaterThan(0);
    expect(up.every((name) => file.readFloat32(name).some((value) => value !== 0))).toBe(true);
    file.close();
  }, 60_000);

  it('draws with what it has learnt', async () => {
    const mean = async (name: string): Promise<number> => {
      const engine = await openRun(runOf(name).root);
      const { image } = await engine.imagine({ prompt: 'Olmo waving', seed: 4, steps: 6 });
      engine.dispose();
      const [red, green, blue] = [0, 1, 2].map((c) => {
        const channel = image.data.filter((_, i) => i % 3 === c);
        return channel.reduce((sum, value) => sum + value, 0) / channel.length;
      });
      return red! - (green! + blue!) / 2;
    };
    expect(await mean('red')).toBeGreaterThan((await mean('sft')) + 1);
  });

  it('stops at an alarm when told, after saving', async () => {
    const config = goOn('alarmed', { 'alarms.stop': true, 'alarms.similarityAbove': 0.1 });
    await expect(trainCharacter(config, { imageReward: redness() })).rejects.toThrow(
      /stopped by an alarm after epoch 1: similarity is 0\.\d+, above the limit of 0\.1 \(alarms\.similarityAbove\)/,
    );
    expect(readEvents(runOf('alarmed').events).some((event) => event.type === 'alarm')).toBe(true);
    expect(runOf('alarmed').grpo.latest()?.step).toBe(1);
  });

  it('skips groups whose pictures are all worth the same, and counts them', async () => {
    const constant = compositeReward<RewardSample>([
      {
        weight: 1,
        model: {
          name: 'constant',
          provenance: {},
          score: async (samples) => ({
            values: new Float64Array(samples.length).fill(0.5),
            details: samples.map(() => ({})),
          }),
          dispose: () => {},
        },
      },
    ]);
    await trainCharacter(goOn('flat', { 'grpo.epochs': 1 }), { imageReward: constant });
    const [epoch] = steps('flat');
    expect(epoch).toMatchObject({ gradNorm: 0, losses: { total: 0 } });
    expect(epoch!.measures).toMatchObject({ zeroVariance: 1, updates: 0, rewardStd: 0 });
  });

  it('refuses to start before Unified-SFT is done, and changes of its own options once it has begun', async () => {
    const early = loadConfig(undefined, options('early', { stage: 'grpo' }));
    await expect(trainCharacter(early)).rejects.toThrow(
      /goes on from a finished Unified-SFT, and there is none/,
    );
    const other = loadConfig(undefined, options('red', { stage: 'grpo', 'grpo.window.size': 1 }));
    await expect(trainCharacter(other)).rejects.toThrow(/grpo\.window\.size: 2 -> 1/);
  });
});

/** Trains in a child process and kills it without warning at a step. */
async function trainAndKill(name: string, at: string): Promise<void> {
  const child = fileURLToPath(new URL('train-child.mjs', import.meta.url));
  const config = JSON.stringify(options(name, { stage: 'grpo' }));
  const process = spawn('node', [child, config], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(process.stdout)) if (line === at) process.kill('SIGKILL');
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  expect(process.signalCode).toBe('SIGKILL');
}
