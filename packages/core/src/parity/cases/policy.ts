import { flowSdeCoefficients, flowSdeLogProb, grpoLoss, tf, valueAndGrads } from '@unicharacter/native';
import { timeGrid } from '../../generate/index.js';
import { isGenerationExpert, type UnifiedModel } from '../../model/index.js';
import { scoped } from '../../model/scoped.js';
import { type GroupField, type StepTimes, stepTimes } from '../../train/grpo/index.js';
import { type CaseRunner, type Outputs, take } from '../case.js';
import type { CaseEntry, Golden } from '../golden.js';
import { promptField } from './stochastic-flow.js';

/** A stored stochastic step: the states [1, tokens, channels] around it. */
interface StoredStep {
  readonly times: StepTimes;
  readonly x: tf.Tensor3D;
  readonly next: tf.Tensor3D;
}

/** Advantages are limited to ± this (spec 7.2). */
const ADVANTAGE_CLIP = 5;

/** The policy update on a stored roll-out: log-probabilities, clipped loss, divergence, gradients (spec 7.6). */
export const policyCase: CaseRunner = (golden, entry) => {
  const { model } = golden.models;
  const { steps, field } = storedSteps(golden, entry, model);
  const sigma = steps.map(({ times }) => flowSdeCoefficients(times).sigma[0] as number);
  const old = oldLogProbs(golden, entry, steps, field);
  const reference = referenceMeans(golden, entry, steps);
  const advantage = tf.fill([steps.length], golden.read(entry, 'advantage')[0] as number) as tf.Tensor1D;
  const variables = [...model.variables()].filter(([name]) => isGenerationExpert(name));
  const clip = entry.inputs.clip_range as number;
  const result = valueAndGrads(
    () => {
      const { logProb, mean } = policy(steps, field);
      const kl = reference && { weight: entry.inputs.beta as number, mean, referenceMean: reference, sigma };
      const options = { clipLow: clip, clipHigh: clip, advantageClip: ADVANTAGE_CLIP, ...(kl ? { kl } : {}) };
      const parts = grpoLoss(logProb, old, advantage, options);
      return { ...parts, logProb, mean, perStep: parts.loss, loss: tf.sum(parts.loss) as tf.Scalar };
    },
    variables.map(([, variable]) => variable),
  );
  const { logProb, mean, perStep, policyLoss, kl, clippedAbove, clippedBelow } = result.aux;
  const grads = new Map(variables.map(([name], i) => [name, take(result.grads[i] as tf.Tensor)]));
  const outputs = {
    ...ratios(logProb, old),
    loss_per_step: values(perStep),
    mu: values(mean),
    sigma,
    ...clipFractions(values(clippedAbove)[0] as number, values(clippedBelow)[0] as number),
    policy_loss: [average(values(policyLoss))],
    kl_loss: [kl ? average(values(kl)) : -1],
    loss: [average(values(perStep))],
    ...(reference ? { mu_ref: values(reference) } : {}),
    ...storedGradients(entry, grads),
    moe_gen_grad_norm: [Math.hypot(...[...grads.values()].map((grad) => norm(grad)))],
  };
  // Without divergence the loss is the policy loss, one tensor under two names.
  const made = new Set<tf.Tensor>([
    result.loss,
    logProb,
    mean,
    perStep,
    policyLoss,
    clippedAbove,
    clippedBelow,
  ]);
  for (const tensor of [advantage, old, kl, reference]) if (tensor) made.add(tensor);
  tf.dispose([...made, ...steps.flatMap(({ x, next }) => [x, next])]);
  field.dispose();
  return { outputs };
};

/** The stochastic steps of the roll-out that the case replays, and the field that drew them. */
function storedSteps(golden: Golden, entry: CaseEntry, model: UnifiedModel) {
  const source = golden.entry(entry.inputs.rollout as string);
  const { inputs } = source;
  const grid = timeGrid(inputs.num_timesteps as number, inputs.timestep_shift as number);
  const first = inputs.sde_window_start as number;
  const size = inputs.sde_window_size as number;
  const steps = scoped(() => {
    const states = tf.split(golden.tensor<tf.Tensor3D>(source, 'window_latents'), size + 1);
    return Array.from(
      { length: size },
      (_, i): StoredStep => ({
        times: stepTimes(grid, first + i, inputs.noise_level as number),
        x: tf.keep((states[i] as tf.Tensor3D).clone()),
        next: tf.keep((states[i + 1] as tf.Tensor3D).clone()),
      }),
    );
  });
  return { steps, field: promptField(golden, source, model) };
}

/** Log-probabilities [steps] and means [steps, tokens, channels] under the model's present weights. */
function policy(steps: readonly StoredStep[], field: GroupField): { logProb: tf.Tensor1D; mean: tf.Tensor } {
  return tf.tidy(() => {
    const parts = steps.map(({ x, next, times }) => flowSdeLogProb(next, x, field.at(x, times.t), times));
    return {
      logProb: tf.concat(parts.map(({ logProb }) => logProb)) as tf.Tensor1D,
      mean: tf.concat(parts.map(({ mean }) => mean)),
    };
  });
}

/** The stored old log-probabilities; exactly on the policy, those of this implementation (see the case's text). */
function oldLogProbs(
  golden: Golden,
  entry: CaseEntry,
  steps: readonly StoredStep[],
  field: GroupField,
): tf.Tensor1D {
  if (entry.id !== 'grpo_on_policy') return golden.tensor(entry, 'logp_old');
  return tf.tidy(() => policy(steps, field).logProb);
}

/** Means of a reference policy whose weights are the checkpoint's with some of them scaled; null without divergence. */
function referenceMeans(golden: Golden, entry: CaseEntry, steps: readonly StoredStep[]): tf.Tensor | null {
  const described = entry.inputs.reference_lm as string | undefined;
  if (described === undefined) return null;
  const model = golden.trainableModel();
  for (const [, name, factor] of described.matchAll(/(\S+\.weight) x([\d.]+\d)/g)) {
    const path = (name as string).startsWith('model.') ? name : `model.${name}`;
    const variable = model.variables().get(`language_model.${path}`);
    if (!variable) throw new Error(`${entry.id}: the model has no weight "${name}" to scale`);
    tf.tidy(() => variable.assign(tf.mul(variable, Number(factor))));
  }
  const source = golden.entry(entry.inputs.rollout as string);
  const field = promptField(golden, source, model);
  try {
    return tf.tidy(() => policy(steps, field).mean);
  } finally {
    field.dispose();
    model.dispose();
  }
}

function ratios(logProb: tf.Tensor1D, old: tf.Tensor1D): Outputs {
  const now = values(logProb);
  const before = old.dataSync();
  return { logp_new: now, ratio: now.map((value, i) => Math.exp(value - (before[i] as number))) };
}

function clipFractions(above: number, below: number): Outputs {
  return { clip_fraction: [above + below], clip_fraction_above: [above], clip_fraction_below: [below] };
}

function storedGradients(entry: CaseEntry, grads: ReadonlyMap<string, Float32Array>): Outputs {
  const names = Object.keys(entry.tensors).filter((name) => name.startsWith('grad/'));
  return Object.fromEntries(names.map((name) => [name, grads.get(name.slice(5)) ?? []]));
}

const values = (tensor: tf.Tensor) => Float32Array.from(tensor.dataSync());
const average = (numbers: Float32Array) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
const norm = (numbers: Float32Array) => Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
