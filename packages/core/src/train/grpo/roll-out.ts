import { flowSdeStep, noGrad, type Precision, randomNormal, tf, withAutocast } from '@unicharacter/native';
import { nextTurn } from '../../generate/index.js';
import { streams } from '../../random/keyed-random.js';
import type { GroupField } from './group-field.js';

/** How a group is drawn (spec 7.4). */
export interface RollOutPlan {
  /** Times from 1 to 0. */
  readonly grid: Float32Array;
  /** First stochastic step and their number; all other steps follow the flow. */
  readonly start: number;
  readonly size: number;
  /** η of the stochastic steps. */
  readonly noiseLevel: number;
  readonly sameNoise: boolean;
  readonly precision: Precision;
  readonly seed: number;
  /** Number of the first picture in the run: keys all noise of the pictures. */
  readonly picture: number;
  /** Number of the first picture of the whole group: keys the noise that a group begins with when it is shared. */
  readonly group: number;
}

/** What policy learning keeps of drawn pictures. The caller disposes it. */
export interface RollOut {
  /** States before, between and after the stochastic steps, [count, tokens, channels] each, size + 1. */
  readonly states: tf.Tensor3D[];
  /** Log-probability of each stochastic step as it was drawn, [count] each. */
  readonly logProbs: Float32Array[];
  /** Latents of the finished pictures, [count, tokens, channels]. */
  readonly latents: tf.Tensor3D;
}

/** Times of step `index`, as the stochastic step takes them. */
export function stepTimes(grid: Float32Array, index: number, noiseLevel: number) {
  return { t: grid[index]!, tNext: grid[index + 1]!, noiseLevel, tBarFallback: grid[1]! };
}

/**
 * Draws the pictures of a group: Euler steps along the flow, and stochastic steps of the same marginals inside the window
 * (spec 7.5). Every picture has noise of its own, whatever the size of the group.
 *
 * @throws AbortedError when the signal is aborted
 */
export async function rollOut(field: GroupField, plan: RollOutPlan, signal?: AbortSignal): Promise<RollOut> {
  const { grid, start, size } = plan;
  const states: tf.Tensor3D[] = [];
  const logProbs: Float32Array[] = [];
  let x = noiseOf(field, plan, streams.grpoNoise, 0);
  let held = false;
  try {
    for (let index = 0; index < grid.length - 1; index++) {
      await nextTurn(signal);
      const inside = index >= start && index < start + size;
      if (index === start) {
        states.push(x);
        held = true;
      }
      const { next, logProb } = advance(field, x, plan, index, inside);
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

function advance(field: GroupField, x: tf.Tensor3D, plan: RollOutPlan, index: number, inside: boolean) {
  return noGrad(() =>
    withAutocast(plan.precision, () => {
      let logProb: tf.Tensor1D | undefined;
      const next = tf.tidy(() => {
        const times = stepTimes(plan.grid, index, inside ? plan.noiseLevel : 0);
        const velocity = field.at(x, times.t);
        if (!inside) return tf.add(x, tf.mul(velocity, times.tNext - times.t)) as tf.Tensor3D;
        const noise = noiseOf(field, plan, streams.grpoSteps, index);
        const step = flowSdeStep(x, velocity, noise, times);
        logProb = tf.keep(step.logProb);
        return step.next as tf.Tensor3D;
      });
      return { next, logProb };
    }),
  );
}

/** Standard normal numbers [count, tokens, channels], each picture from a stream position of its own. */
function noiseOf(field: GroupField, plan: RollOutPlan, stream: number, index: number): tf.Tensor3D {
  const { count, rows, columns } = field.shape;
  const { seed, picture, sameNoise, grid } = plan;
  const width = field.channels;
  return tf.tidy(() => {
    const each = Array.from({ length: count }, (_, i) => {
      const own = sameNoise && stream === streams.grpoNoise ? plan.group : picture + i;
      return randomNormal([rows * columns, width], { seed, stream, counter: own * grid.length + index });
    });
    return tf.stack(each) as tf.Tensor3D;
  });
}
