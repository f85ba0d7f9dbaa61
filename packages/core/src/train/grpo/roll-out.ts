import { flowSdeStep, noGrad, type Precision, tf, withAutocast } from '@unicharacter/native';
import { nextTurn } from '../../generate/index.js';
import type { GroupField } from './group-field.js';

/** Where the standard normal noise of a roll-out comes from, [count, tokens, channels]. Called inside `tf.tidy`. */
export interface RollOutNoise {
  initial(): tf.Tensor3D;
  /** Of the stochastic step `index`. */
  step(index: number): tf.Tensor3D;
}

/** How a group is drawn (spec 7.4). */
export interface RollOutPlan {
  /** Times from 1 to 0. */
  readonly grid: Float32Array;
  /** First stochastic step and their number; all other steps follow the flow. */
  readonly start: number;
  readonly size: number;
  /** η of the stochastic steps. */
  readonly noiseLevel: number;
  readonly precision: Precision;
  readonly noise: RollOutNoise;
  /**
   * The velocity of one picture, where all pictures begin with the same noise: until the window they are one picture and
   * drawn once (as in "Flow-GRPO-Fast"; a group of G spares (G − 1)/G of these steps).
   */
  readonly common?: GroupField;
  /** Called with the guided velocity of each step, which is freed after the call. */
  readonly onVelocity?: (velocity: tf.Tensor3D) => void;
}

/** What policy learning keeps of drawn pictures. The caller disposes it with `disposeRollOut`. */
export interface RollOut {
  /** States before, between and after the stochastic steps, [count, tokens, channels] each, size + 1. */
  readonly states: tf.Tensor3D[];
  /** Log-probability of each stochastic step as it was drawn, [count] each. */
  readonly logProbs: Float32Array[];
  /** Latents of the finished pictures, [count, tokens, channels]. */
  readonly latents: tf.Tensor3D;
}

export function disposeRollOut({ states, latents }: RollOut): void {
  tf.dispose([...states, latents]);
}

/** Times of one step, as `flowSdeStep` takes them. */
export type StepTimes = Readonly<Record<'t' | 'tNext' | 'noiseLevel' | 'tBarFallback', number>>;

/** Times of step `index`; at t = 1 the second value of the grid stands in for t̄ (spec 7.5). */
export function stepTimes(grid: Float32Array, index: number, noiseLevel: number): StepTimes {
  return { t: grid[index]!, tNext: grid[index + 1]!, noiseLevel, tBarFallback: grid[1]! };
}

/**
 * Draws the pictures of a group: Euler steps along the flow, and stochastic steps of the same marginals inside the window
 * (spec 7.5).
 *
 * @throws RangeError when the window leaves the grid; AbortedError when the signal is aborted
 */
export async function rollOut(field: GroupField, plan: RollOutPlan, signal?: AbortSignal): Promise<RollOut> {
  const { grid, start, size } = plan;
  checkWindow(plan);
  const states: tf.Tensor3D[] = [];
  const logProbs: Float32Array[] = [];
  let x = tf.tidy(() => initialState(plan, start > 0));
  let held = false;
  try {
    for (let index = 0; index < grid.length - 1; index++) {
      await nextTurn(signal);
      const inside = index >= start && index < start + size;
      if (index === start) {
        if (plan.common && index > 0) x = repeated(x, field.shape.count);
        states.push(x);
        held = true;
      }
      const { next, logProb } = advance(
        index < start ? (plan.common ?? field) : field,
        x,
        plan,
        index,
        inside,
      );
      if (!held) x.dispose();
      x = next;
      held = inside;
      if (inside) states.push(x);
      if (logProb) {
        logProbs.push(await logProb.data<'float32'>());
        logProb.dispose();
      }
    }
    return { states, logProbs, latents: held ? (x.clone() as tf.Tensor3D) : x };
  } catch (error) {
    tf.dispose(states);
    if (!held) x.dispose();
    throw error;
  }
}

/** The noise of all pictures; of one where the first steps are common to them. */
function initialState({ common, noise }: RollOutPlan, hasCommonSteps: boolean): tf.Tensor3D {
  const all = noise.initial();
  if (!common || !hasCommonSteps) return all;
  const [, tokens, channels] = all.shape;
  return tf.slice(all, [0, 0, 0], [1, tokens, channels]) as tf.Tensor3D;
}

/** One state as that of `count` pictures. Consumes it. */
function repeated(x: tf.Tensor3D, count: number): tf.Tensor3D {
  const all = tf.tile(x, [count, 1, 1]) as tf.Tensor3D;
  x.dispose();
  return all;
}

function advance(field: GroupField, x: tf.Tensor3D, plan: RollOutPlan, index: number, inside: boolean) {
  return noGrad(() =>
    withAutocast(plan.precision, () => {
      let logProb: tf.Tensor1D | undefined;
      const next = tf.tidy(() => {
        const times = stepTimes(plan.grid, index, inside ? plan.noiseLevel : 0);
        const velocity = field.at(x, times.t);
        plan.onVelocity?.(velocity);
        if (!inside) return tf.add(x, tf.mul(velocity, times.tNext - times.t)) as tf.Tensor3D;
        const step = flowSdeStep(x, velocity, plan.noise.step(index), times);
        logProb = tf.keep(step.logProb);
        return step.next as tf.Tensor3D;
      });
      return { next, logProb };
    }),
  );
}

function checkWindow({ start, size, noiseLevel, grid }: RollOutPlan): void {
  const steps = grid.length - 1;
  const whole = Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size >= 1;
  if (whole && start + size <= steps && noiseLevel > 0) return;
  throw new RangeError(
    `expected a window of stochastic steps within 0 … ${steps - 1} and a noise level above 0, ` +
      `found ${size} steps from ${start} on with noise level ${noiseLevel}`,
  );
}
