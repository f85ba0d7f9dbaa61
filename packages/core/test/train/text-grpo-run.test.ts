import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { counters, resetCounters, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { compositeReward, type TextRewardSample } from '../../src/reward/index.js';
import { RunFolder, readEvents, type StepEvent } from '../../src/run/index.js';
import { trainCharacter } from '../../src/train/index.js';
import { tinyOptions, tinyWorld } from './tiny-run.js';

let world: ReturnType<typeof tinyWorld>;
const options = (name: string) => ({
  ...tinyOptions(world.base, join(world.root, name)),
  'sft.steps': 20,
  'sft.emaDecay': 0,
  'textGrpo.epochs': 8,
  'textGrpo.promptsPerEpoch': 2,
  'textGrpo.groupSize': 12,
  'textGrpo.updates': 2,
  'textGrpo.innerEpochs': 3,
  'textGrpo.maxTokens': 10,
  'textGrpo.every': 2,
  'textGrpo.anchor.weight': 0.001,
  'textGrpo.optimizer.lr': 0.03,
});

/** Rewards replies for the share of their characters that are vowels. */
const vowels = () =>
  compositeReward<TextRewardSample>([
    {
      weight: 1,
      model: {
        name: 'vowels',
        provenance: {},
        score: async (samples) => ({
          values: Float64Array.from(
            samples,
            ({ reply }) => (reply.match(/[aeiou]/g) ?? []).length / (reply.length + 1),
          ),
          details: samples.map(() => ({})),
        }),
        dispose: () => {},
      },
    },
  ]);

const steps = (name: string) =>
  (
    readEvents(new RunFolder(join(world.root, name)).events).filter(
      (event) => event.type === 'step',
    ) as StepEvent[]
  )
    .filter(({ stage }) => stage === 'text-grpo')
    .map(({ step, losses, gradNorm, rewards, measures }) => ({ step, losses, gradNorm, rewards, measures }));

beforeAll(async () => {
  world = tinyWorld();
  await trainCharacter(loadConfig(undefined, options('sft')));
  for (const name of ['talk', 'stopped'])
    cpSync(join(world.root, 'sft'), join(world.root, name), { recursive: true });
});
afterAll(() => rmSync(world.root, { recursive: true, force: true }));

describe('GRPO on replies', () => {
  it('learns from the replies of every prompt, without fallbacks or leaks', async () => {
    resetCounters();
    const before = tf.memory().numTensors;
    const config = loadConfig(undefined, { ...options('talk'), stage: 'text-grpo' });
    await trainCharacter(config, { textReward: vowels() });
    expect(tf.memory().numTensors).toBe(before);
    expect(counters().fallbackKernels).toEqual({});
    expect(steps('talk')).toHaveLength(8);
    expect(steps('talk').at(-1)!.measures!.kl).toBeGreaterThan(0);
    for (const { gradNorm } of steps('talk')) expect(gradNorm).toBeGreaterThan(0);
  });

  it('goes on with the same numbers after a stop', async () => {
    const stop = new AbortController();
    const config = loadConfig(undefined, { ...options('stopped'), stage: 'text-grpo' });
    await trainCharacter(config, {
      textReward: vowels(),
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 3) stop.abort();
      },
    });
    expect(steps('stopped')).toHaveLength(3);
    await trainCharacter(config, { textReward: vowels() });
    expect(steps('stopped')).toEqual(steps('talk'));
  });
});
