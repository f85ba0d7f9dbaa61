import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import type { Command } from '../command.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, sameShape } from './check.js';
import { hasKernel, runMany, runOne } from './dispatch.js';
import { type FlowSdeCoefficients, type FlowSdeTimes, flowSdeCoefficients } from './flow-sde-coefficients.js';
import { frozen } from './frozen.js';
import { sampleRows } from './samples.js';

export interface FlowSdeStep {
  /** State after the step, the shape of `x`. */
  next: tf.Tensor;
  /** Its mean, the shape of `x`. */
  mean: tf.Tensor;
  /** `[B]`: mean over the elements of a sample of `−(next − mean)²/(2σ²(−Δ))`, without constants. */
  logProb: tf.Tensor1D;
}

type Lists = Omit<FlowSdeCoefficients, 'sigma'>;

const column = (values: readonly number[]) => tf.tensor2d([...values], [values.length, 1]);

function composedMean(x: tf.Tensor, velocity: tf.Tensor, c: Lists): tf.Tensor {
  return tf.add(tf.mul(x, column(c.state)), tf.mul(velocity, column(c.velocity)));
}

function composedLogProb(next: tf.Tensor, mean: tf.Tensor, c: Lists): tf.Tensor {
  const precisions = c.deviation.map((s) => (s > 0 ? -0.5 / (s * s) : 0));
  return tf.mul(tf.mean(tf.squaredDifference(next, mean), 1), tf.tensor1d(precisions));
}

/** `[next, mean, logProb]` of `[B, n]` operands out of ordinary tfjs ops; also the reference of the tests. */
export function composedFlowSdeStep(
  x: tf.Tensor,
  velocity: tf.Tensor,
  noise: tf.Tensor,
  c: Lists,
): tf.Tensor[] {
  return tf.tidy(() => {
    const mean = composedMean(x, velocity, c);
    const next = tf.add(mean, tf.mul(noise, column(c.deviation)));
    return [next, mean, composedLogProb(next, mean, c)];
  });
}

/** `[logProb, mean]` of `[B, n]` operands out of ordinary tfjs ops; also the reference of the tests. */
export function composedFlowSdeLogProb(
  next: tf.Tensor,
  x: tf.Tensor,
  velocity: tf.Tensor,
  c: Lists,
): tf.Tensor[] {
  return tf.tidy(() => {
    const mean = composedMean(x, velocity, c);
    return [composedLogProb(next, mean, c), mean];
  });
}

function check(op: string, tensors: Record<string, tf.Tensor>, times: FlowSdeTimes) {
  expectFloat(op, tensors);
  const [first, ...others] = Object.values(tensors) as [tf.Tensor, ...tf.Tensor[]];
  const fits = first.rank >= 2 && first.size > 0 && others.every((x) => sameShape(x, first));
  expectThat(fits, op, 'tensors of one shape [T, C] or [B, T, C]', tensors);
  const { samples, rows } = sampleRows(first.shape);
  const { state, velocity, deviation } = flowSdeCoefficients(times, samples);
  return { rows, lists: { state, velocity, deviation } };
}

/**
 * One step of the stochastic flow sampler: `mean = x·(1 + σ²Δ/(2t)) + v·(1 + σ²(1 − t)/(2t))·Δ`,
 * `next = mean + σ√(−Δ)·noise` (specification §7.5; see `flowSdeCoefficients`). For sampling: no gradient flows.
 * With noise level 0 it is the Euler step `x + v·Δ`, and logProb is 0.
 *
 * @param x `[T, C]` (one sample) or `[B, ...]`, the state at `times.t`
 * @param velocity the shape of `x`, dx/dt
 * @param noise the shape of `x`, standard normal (`randomNormal`)
 * @returns float32 tensors; logProb is `[B]` (`[1]` for one sample)
 * @throws Error naming shapes, or a time that is out of range
 */
export function flowSdeStep(
  x: tf.Tensor,
  velocity: tf.Tensor,
  noise: tf.Tensor,
  times: FlowSdeTimes,
): FlowSdeStep {
  const { rows, lists } = check('flowSdeStep', { x, velocity, noise }, times);
  const [next, mean, logProb] = noGrad(() =>
    tf.tidy(() => {
      if (hasKernel('FlowSdeStep')) return runMany('FlowSdeStep', { x, velocity, noise }, { ...lists });
      const [state, v, e] = [x, velocity, noise].map((tensor) => tf.reshape(tensor, rows));
      const [end, middle, probability] = composedFlowSdeStep(state!, v!, e!, lists);
      return [tf.reshape(end!, x.shape), tf.reshape(middle!, x.shape), probability!];
    }),
  );
  return { next, mean, logProb } as FlowSdeStep;
}

/**
 * Log-probability of having stepped from `x` to a given `next`, and the mean of that step, both with gradient to
 * `velocity`; `x` and `next` are constants. On the native backend, the velocity of the step gives the bits of its logProb.
 * Noise level 0: logProb 0, no gradient through it.
 *
 * @param next the shape of `x`, as `flowSdeStep` gave it
 * @param x `[T, C]` (one sample) or `[B, ...]`
 * @param velocity the shape of `x`
 * @returns logProb `[B]` (`[1]` for one sample) and mean, float32
 * @throws Error naming shapes, or a time that is out of range
 */
export function flowSdeLogProb(
  next: tf.Tensor,
  x: tf.Tensor,
  velocity: tf.Tensor,
  times: FlowSdeTimes,
): { logProb: tf.Tensor1D; mean: tf.Tensor } {
  const { rows, lists } = check('flowSdeLogProb', { next, x, velocity }, times);
  const [logProb, mean] = tf.tidy(() => {
    const [end, start] = [frozen(next), frozen(x)];
    if (hasKernel('FlowSdeLogProb')) {
      return runMany('FlowSdeLogProb', { next: end, x: start, velocity }, { ...lists });
    }
    const [last, state, v] = [end, start, velocity].map((tensor) => tf.reshape(tensor, rows));
    const [probability, middle] = composedFlowSdeLogProb(last!, state!, v!, lists);
    return [probability!, tf.reshape(middle!, x.shape)];
  });
  return { logProb: logProb as tf.Tensor1D, mean: mean! };
}

/** Adds the three coefficients of each sample to a command. */
function withCoefficients(call: Command, { state, velocity, deviation }: Lists): Command {
  state.forEach((value, i) => {
    call.real(value).real(velocity[i]!).real(deviation[i]!);
  });
  return call;
}

type State = { x: tf.TensorInfo; velocity: tf.TensorInfo };

/** Native kernels of the stochastic step; the C++ side is cpp/cpu/flow_sde.cc. */
export const flowSdeKernels: NativeKernel[] = [
  kernel<State & { noise: tf.TensorInfo }, Lists>('FlowSdeStep', ({ inputs, attrs, backend }) => {
    const { x, velocity, noise } = inputs;
    const { rows } = sampleRows(x.shape);
    const call = backend.call('FlowSdeStep').tensor(x, rows).tensor(velocity, rows).tensor(noise, rows);
    return withCoefficients(call, attrs).outputs([x.shape, x.shape, [rows[0]!]], 'float32');
  }),
  kernel<State & { next: tf.TensorInfo }, Lists>('FlowSdeLogProb', ({ inputs, attrs, backend }) => {
    const { next, x, velocity } = inputs;
    const { rows } = sampleRows(x.shape);
    const call = backend.call('FlowSdeLogProb').tensor(next, rows).tensor(x, rows).tensor(velocity, rows);
    return withCoefficients(call, attrs).outputs([[rows[0]!], x.shape], 'float32');
  }),
  kernel<State & { next: tf.TensorInfo; dLogProb: tf.TensorInfo; dMean: tf.TensorInfo }, Lists>(
    'FlowSdeLogProbGrad',
    ({ inputs, attrs, backend }) => {
      const { next, x, velocity, dLogProb, dMean } = inputs;
      const { rows } = sampleRows(x.shape);
      const call = backend.call('FlowSdeLogProbGrad').tensor(next, rows).tensor(x, rows);
      call.tensor(velocity, rows).tensor(dLogProb).tensor(dMean, rows);
      return withCoefficients(call, attrs).output(x.shape, 'float32');
    },
  ),
];

tf.registerGradient({
  kernelName: 'FlowSdeLogProb',
  inputsToSave: ['next', 'x', 'velocity'],
  gradFunc: (dy, saved, attrs) => {
    const [next, x, velocity] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const [dLogProb, dMean] = dy as unknown as [tf.Tensor, tf.Tensor];
    const inputs = { next, x, velocity, dLogProb, dMean };
    const { state, velocity: factors, deviation } = attrs as unknown as Lists;
    return { velocity: () => runOne('FlowSdeLogProbGrad', inputs, { state, velocity: factors, deviation }) };
  },
});
