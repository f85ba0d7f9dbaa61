import { tf } from '@unicharacter/native';
import type { KvContext, VelocityField } from '../model/index.js';
import { type Guidance, guidanceActive, guide } from './guidance.js';
import { nextTurn } from './turns.js';

/** The three contexts of guided sampling (spec 5.2). */
export interface GuidanceContexts {
  readonly main: KvContext;
  readonly withoutText: KvContext;
  readonly withoutImages: KvContext;
}

/** One step of the sampler, for observers; tensors [tokens, channels] are freed after the call. */
export interface SamplerStep {
  readonly index: number;
  /** Network steps in all. */
  readonly steps: number;
  readonly t: number;
  /** Time that passes: t − next t. */
  readonly dt: number;
  readonly velocity: tf.Tensor2D;
  readonly withoutText: tf.Tensor2D | null;
  readonly withoutImages: tf.Tensor2D | null;
  readonly guided: tf.Tensor2D;
  /** State after the step. */
  readonly x: tf.Tensor2D;
}

/**
 * Time grid from 1 to 0 with `points` values, hence points − 1 steps: t' = s·t / (1 + (s − 1)·t) of evenly spaced t
 * (spec 2.13, 5.3). Rounded to float32 like the reference's.
 */
export function timeGrid(points: number, shift: number): Float32Array {
  if (!Number.isInteger(points) || points < 2) {
    throw new RangeError(`a time grid needs at least 2 points, found ${points}`);
  }
  return Float32Array.from({ length: points }, (_, i) => {
    const t = 1 - i / (points - 1);
    return (shift * t) / (1 + (shift - 1) * t);
  });
}

/** The guided velocity at state `x`, with its parts. The caller disposes what is not null. */
export function guidedVelocity(
  field: VelocityField,
  contexts: GuidanceContexts,
  x: tf.Tensor2D,
  t: number,
  guidance: Guidance,
): Pick<SamplerStep, 'velocity' | 'withoutText' | 'withoutImages' | 'guided'> {
  const velocity = field.at(contexts.main, x, t);
  if (!guidanceActive(guidance, t))
    return { velocity, withoutText: null, withoutImages: null, guided: velocity.clone() };
  const withoutText = field.at(contexts.withoutText, x, t);
  const withoutImages = guidance.image > 1 ? field.at(contexts.withoutImages, x, t) : null;
  return {
    velocity,
    withoutText,
    withoutImages,
    guided: guide(velocity, withoutText, withoutImages, guidance),
  };
}

export interface FlowOptions {
  readonly onStep?: (step: SamplerStep) => void;
  readonly signal?: AbortSignal;
  /** Waited for before each step; rejects when the signal is aborted. A turn of the event loop when absent. */
  readonly turn?: (signal?: AbortSignal) => Promise<void>;
}

/**
 * Integrates the flow from noise at t = 1 to a picture at t = 0 with Euler steps x ← x − v·(t − t') (spec 5.3).
 *
 * Waits for its turn before each step, so that other work goes on and an abort signal can arrive.
 *
 * @param noise [tokens, channels]; not disposed
 * @param grid from `timeGrid`
 * @returns latent tokens [tokens, channels]; the caller disposes them
 * @throws AbortedError when `signal` is aborted
 */
export async function sampleFlow(
  field: VelocityField,
  contexts: GuidanceContexts,
  noise: tf.Tensor2D,
  grid: Float32Array,
  guidance: Guidance,
  options: FlowOptions = {},
): Promise<tf.Tensor2D> {
  const steps = grid.length - 1;
  const { turn = nextTurn } = options;
  let x = tf.keep(noise.clone());
  try {
    for (let index = 0; index < steps; index++) {
      await turn(options.signal);
      const t = grid[index] as number;
      const dt = t - (grid[index + 1] as number);
      const parts = guidedVelocity(field, contexts, x, t, guidance);
      const next = tf.keep(tf.tidy(() => tf.sub(x, tf.mul(parts.guided, dt)))) as tf.Tensor2D;
      x.dispose();
      x = next;
      options.onStep?.({ index, steps, t, dt, x, ...parts });
      tf.dispose(Object.values(parts).filter((part) => part !== null));
    }
    return x;
  } catch (error) {
    x.dispose();
    throw error;
  }
}
