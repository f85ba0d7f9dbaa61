/** Ops of the policy update and the optimizer against the reference numbers (cases of 08_grpo and 09_optim). */
import {
  AdamW,
  AddonMissingError,
  emaUpdate,
  flowSdeCoefficients,
  flowSdeLogProb,
  flowSdeStep,
  grpoAdvantage,
  grpoLoss,
  selectBackend,
  tf,
} from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare, type Tolerance } from '../src/parity/compare.js';
import { type CaseEntry, Golden } from '../src/parity/golden.js';
import { openSafetensors } from '../src/tensor-io/index.js';
import { findGoldenTiny } from './shared-folder.js';

const dir = findGoldenTiny();
const golden = dir === undefined ? null : new Golden(dir);

function available(): ('cpu' | 'native')[] {
  try {
    selectBackend('native');
    return ['native', 'cpu'];
  } catch (error) {
    if (error instanceof AddonMissingError) return ['cpu'];
    throw error;
  }
}

function casesOf(pattern: RegExp): (readonly [string, CaseEntry])[] {
  const entries = golden?.manifest.cases.filter(({ id }) => pattern.test(id)) ?? [];
  return entries.map((entry) => [entry.id, entry] as const);
}

/** Compares with a stored tensor of the case in the manifest's tolerance. */
function expectStored(entry: CaseEntry, name: string, own: ArrayLike<number>): void {
  const tolerance = entry.tensors[name] as Tolerance;
  expect(compare(name, own, golden!.read(entry, name), tolerance)).toMatchObject({ name, ok: true });
}

const numbers = (entry: CaseEntry, name: string) => [...golden!.read(entry, name)];
const input = (entry: CaseEntry, name: string) => entry.inputs[name] as number;

/** Time grid of n values from 1 to 0 with the shift of the specification, §5.1. */
const shiftedGrid = (n: number, shift: number) =>
  Array.from({ length: n }, (_, i) => 1 - i / (n - 1)).map((t) => (shift * t) / (1 + (shift - 1) * t));

describe.skipIf(golden === null).each(available())('reference numbers on %s', (backend) => {
  beforeAll(() => selectBackend(backend));

  test('sde_step: seven steps in one batch', () => {
    const entry = golden!.entry('sde_step');
    const [x, v, noise] = ['x', 'v', 'eps'].map((name) => golden!.tensor(entry, name));
    const times = {
      t: numbers(entry, 't'),
      tNext: numbers(entry, 't_next'),
      noiseLevel: numbers(entry, 'eta'),
      tBarFallback: numbers(entry, 'grid_1')[0]!,
    };
    const step = flowSdeStep(x!, v!, noise!, times);
    expectStored(entry, 'sigma', flowSdeCoefficients(times, 7).sigma);
    expectStored(entry, 'mu', step.mean.dataSync());
    expectStored(entry, 'x_next', step.next.dataSync());
    expectStored(entry, 'logp', step.logProb.dataSync());
    const again = flowSdeLogProb(golden!.tensor(entry, 'x_next'), x!, v!, times);
    expectStored(entry, 'logp', again.logProb.dataSync());
  });

  test.each(casesOf(/^grpo_rollout_/))('%s: the window of a roll-out', (_, entry) => {
    const grid = shiftedGrid(input(entry, 'num_timesteps'), input(entry, 'timestep_shift'));
    const start = input(entry, 'sde_window_start');
    const latents = tf.unstack(golden!.tensor(entry, 'window_latents'));
    const velocities = tf.unstack(golden!.tensor(entry, 'velocities'));
    const noises = tf.unstack(golden!.tensor(entry, 'window_eps'));
    const steps = noises.map((noise, i) => {
      const times = {
        t: grid[start + i]!,
        tNext: grid[start + i + 1]!,
        noiseLevel: input(entry, 'noise_level'),
        tBarFallback: grid[1]!,
      };
      return flowSdeStep(latents[i]!, velocities[start + i]!, noise, times);
    });
    const ends = tf.concat([latents[0]!, ...steps.map(({ next }) => next)]);
    expectStored(entry, 'window_latents', ends.dataSync());
    expectStored(
      entry,
      'window_logp',
      steps.map(({ logProb }) => logProb.dataSync()[0]!),
    );
    expectStored(entry, 'window_t', grid.slice(start, start + 3));
  });

  test.each(casesOf(/^grpo_(on_policy|clip|no_kl|kl)/))('%s: the clipped loss', (_, entry) => {
    const now = golden!.tensor<tf.Tensor1D>(entry, 'logp_new');
    // On policy the old log-probabilities are one's own.
    const old = entry.id === 'grpo_on_policy' ? now : golden!.tensor<tf.Tensor1D>(entry, 'logp_old');
    const advantage = tf.fill([3], numbers(entry, 'advantage')[0]!) as tf.Tensor1D;
    const clip = input(entry, 'clip_range');
    const options = { clipLow: clip, clipHigh: clip, advantageClip: 5 };
    const { policyLoss, clippedAbove, clippedBelow } = grpoLoss(now, old, advantage, options);
    const [above, below] = [clippedAbove.dataSync()[0]!, clippedBelow.dataSync()[0]!];
    expectStored(entry, 'policy_loss', tf.mean(policyLoss).dataSync());
    expectStored(entry, 'clip_fraction_above', [above]);
    expectStored(entry, 'clip_fraction_below', [below]);
    expectStored(entry, 'clip_fraction', [above + below]);
    // Loss per step holds the divergence too; without it (beta 0) it is the policy loss.
    if (input(entry, 'beta') === 0) expectStored(entry, 'loss_per_step', policyLoss.dataSync());
  });

  test.each(casesOf(/^grpo_(on_policy|clip|no_kl|kl)/))('%s: mean and log-probability', (_, entry) => {
    const rollout = golden!.entry(entry.inputs.rollout as string);
    const grid = shiftedGrid(input(rollout, 'num_timesteps'), input(rollout, 'timestep_shift'));
    const start = input(rollout, 'sde_window_start');
    const latents = golden!.tensor<tf.Tensor3D>(rollout, 'window_latents');
    const velocities = golden!.tensor<tf.Tensor3D>(rollout, 'velocities');
    const times = {
      t: grid.slice(start, start + 3),
      tNext: grid.slice(start + 1, start + 4),
      noiseLevel: input(rollout, 'noise_level'),
      tBarFallback: grid[1]!,
    };
    const part = (from: number) => tf.slice(latents, from, 3);
    const { logProb, mean } = flowSdeLogProb(part(1), part(0), tf.slice(velocities, start, 3), times);
    expectStored(entry, 'logp_new', logProb.dataSync());
    expectStored(entry, 'mu', mean.dataSync());
    expectStored(entry, 'sigma', flowSdeCoefficients(times, 3).sigma);
  });

  test.each(casesOf(/^advantages_/))('%s', (_, entry) => {
    const source = openSafetensors(golden!.path(entry.file));
    const doubles = (name: string) => {
      const bytes = source.bytes(`${entry.prefix}${name}`);
      return [...new Float64Array(bytes.slice().buffer)];
    };
    const rewards = tf.tensor1d(doubles('rewards'));
    const groups = tf.tensor1d(numbers(entry, 'prompt_index'), 'int32');
    const together = tf.zerosLike(groups);
    const tolerance = { rtol: 1e-4, atol: 1e-4 };
    const check = (name: string, own: tf.Tensor) =>
      expect(compare(name, own.dataSync(), doubles(name), tolerance)).toMatchObject({ name, ok: true });
    check('advantages', grpoAdvantage(rewards, groups).advantages);
    check('advantages_global_std', grpoAdvantage(rewards, groups, { scope: 'global' }).advantages);
    check('advantages_no_tracking', grpoAdvantage(rewards, together).advantages);
    source.close();
  });

  test.each(casesOf(/^adamw_/))('%s: three steps and averages', (_, entry) => {
    const parts = [0, 1, 2];
    const made = (name: string) => parts.map((i) => tf.variable(golden!.tensor(entry, `${name}${i}_init`)));
    const [weights, slow, fast] = [made('p'), made('p'), made('p')];
    const optimizer = new AdamW({
      betas: entry.inputs.betas as [number, number],
      eps: input(entry, 'eps'),
      weightDecay: input(entry, 'weight_decay'),
      lr: input(entry, 'lr'),
    });
    const clip = entry.inputs.max_grad_norm as number | null;
    for (const step of parts) {
      const gradients = parts.map((i) => golden!.tensor(entry, `grad${i}_step${step}`));
      const norm = optimizer.step(weights, gradients, clip === null ? {} : { clipNorm: clip });
      if (clip !== null) expectStored(entry, `grad_norm_step${step}`, norm.dataSync());
      emaUpdate(slow, weights, input(entry, 'ema_decay'));
      emaUpdate(fast, weights, input(entry, 'ema_fast_decay'));
      for (const i of parts) {
        expectStored(entry, `p${i}_step${step}`, weights[i]!.dataSync());
        expectStored(entry, `ema${i}_step${step}`, slow[i]!.dataSync());
        expectStored(entry, `ema_fast${i}_step${step}`, fast[i]!.dataSync());
      }
    }
    const { tensors } = optimizer.state();
    for (const i of parts) {
      for (const moment of ['exp_avg', 'exp_avg_sq']) {
        expectStored(entry, `${moment}${i}`, tensors.get(`${weights[i]!.name}.${moment}`)!.dataSync());
      }
    }
    optimizer.dispose();
    tf.dispose([...weights, ...slow, ...fast]);
  });

  afterAll(() => tf.disposeVariables());
});

afterAll(() => golden?.close());
