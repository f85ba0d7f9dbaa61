import { type FlowSdeTimes, flowSdeLogProb, flowSdeStep, tf } from '@unicharacter/native';
import type { VelocityField } from '../model/index.js';
import {
  eulerRule,
  type FlowOptions,
  type GuidanceContexts,
  type StepRule,
  sampleFlow,
} from './flow-sampler.js';
import type { Guidance } from './guidance.js';

/** The steps of a roll-out that are stochastic; all others are Euler steps (spec 7.4). */
export interface SdeWindow {
  /** Index of the first stochastic step. */
  readonly first: number;
  readonly size: number;
  /** η of spec 7.5. */
  readonly noiseLevel: number;
}

/** One stochastic step as the policy update needs it: the states around it and how likely it was. */
export interface StochasticStep {
  readonly index: number;
  readonly times: FlowSdeTimes & { readonly t: number };
  /** State before the step, [tokens, channels] */
  readonly x: tf.Tensor2D;
  /** State after the step, [tokens, channels] */
  readonly next: tf.Tensor2D;
  /** Mean over all elements of the Gaussian log-density, without constants. */
  readonly logProb: number;
}

/** A sampled picture and the stochastic steps on its way. The caller disposes it with `disposeRollOut`. */
export interface RollOut {
  /** Latent tokens [tokens, channels] */
  readonly latents: tf.Tensor2D;
  readonly steps: readonly StochasticStep[];
}

export function disposeRollOut({ latents, steps }: RollOut): void {
  tf.dispose([latents, ...steps.flatMap(({ x, next }) => [x, next])]);
}

/**
 * Samples a picture with a window of stochastic steps inside an Euler integration and records them (spec 7.4, 7.5).
 *
 * @param noise initial noise [tokens, channels]; not disposed
 * @param grid from `timeGrid`
 * @param stepNoise standard normal noise [tokens, channels] of a stochastic step, made inside `tf.tidy`
 * @throws RangeError when the window leaves the grid; AbortedError when `signal` is aborted
 */
export async function rollOut(
  field: VelocityField,
  contexts: GuidanceContexts,
  noise: tf.Tensor2D,
  grid: Float32Array,
  guidance: Guidance,
  window: SdeWindow,
  stepNoise: (index: number) => tf.Tensor2D,
  options: FlowOptions = {},
): Promise<RollOut> {
  checkWindow(window, grid);
  const steps: StochasticStep[] = [];
  const euler = eulerRule(grid);
  const rule: StepRule = (index, x, velocity) => {
    if (index < window.first || index >= window.first + window.size) return euler(index, x, velocity);
    const times = stepTimes(grid, index, window.noiseLevel);
    const { next, logProb } = flowSdeStep(x, velocity, stepNoise(index), times);
    steps.push({
      index,
      times,
      x: tf.keep(x.clone()),
      next: tf.keep(next.clone()) as tf.Tensor2D,
      logProb: logProb.dataSync()[0] as number,
    });
    return next as tf.Tensor2D;
  };
  try {
    const latents = await sampleFlow(field, contexts, noise, grid, guidance, options, rule);
    return { latents, steps };
  } catch (error) {
    tf.dispose(steps.flatMap(({ x, next }) => [x, next]));
    throw error;
  }
}

/**
 * Log-probability [1] of a recorded step under another guided velocity [tokens, channels], and the step's mean; the
 * gradient reaches the velocity (spec 7.5, 7.6).
 */
export function stepLogProb(
  { x, next, times }: StochasticStep,
  velocity: tf.Tensor2D,
): { logProb: tf.Tensor1D; mean: tf.Tensor2D } {
  return flowSdeLogProb(next, x, velocity, times) as { logProb: tf.Tensor1D; mean: tf.Tensor2D };
}

/** Times of step `index`; at t = 1 the second value of the grid stands in for t̄ (spec 7.5). */
function stepTimes(grid: Float32Array, index: number, noiseLevel: number): StochasticStep['times'] {
  const t = grid[index] as number;
  return { t, tNext: grid[index + 1] as number, noiseLevel, tBarFallback: grid[1] as number };
}

function checkWindow({ first, size, noiseLevel }: SdeWindow, grid: Float32Array): void {
  const steps = grid.length - 1;
  const whole = Number.isInteger(first) && Number.isInteger(size) && first >= 0 && size >= 1;
  if (whole && first + size <= steps && noiseLevel > 0) return;
  throw new RangeError(
    `expected a window of stochastic steps within 0 … ${steps - 1} and a noise level above 0, ` +
      `found ${size} steps from ${first} on with noise level ${noiseLevel}`,
  );
}
