import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat, sameShape } from './check.js';
import { hasKernel, runMany, runOne } from './dispatch.js';
import { frozen } from './frozen.js';
import { gaussianKl } from './gaussian-kl.js';

export interface GrpoLossOptions {
  /** The ratio may fall to `1 − clipLow` ... */
  clipLow: number;
  /** ... and rise to `1 + clipHigh` before a sample stops teaching. */
  clipHigh: number;
  /** Advantages are limited to [-advantageClip, advantageClip]; not limited when absent. */
  advantageClip?: number;
  /** Anchor to a reference policy of the same variance. */
  kl?: GrpoKl;
}

export interface GrpoKl {
  /** Factor of the divergence in the loss. */
  weight: number;
  /** Means of the step, `[N, ...]` (or `[T, C]` when N is 1); gradient flows to them. */
  mean: tf.Tensor;
  /** Means of the reference policy; a constant. */
  referenceMean: tf.Tensor;
  /** σ of the step, one number or one per sample (see `flowSdeCoefficients`). */
  sigma: number | readonly number[];
}

export interface GrpoLoss {
  /** `[N]`: policy loss, plus the weighted divergence where `kl` is given. Gradient flows to `logProb` and `kl.mean`. */
  loss: tf.Tensor1D;
  /** `[N]`, the clipped policy loss alone. */
  policyLoss: tf.Tensor1D;
  /** `[N]`, the divergence before its weight; null without `kl`. */
  kl: tf.Tensor1D | null;
  /** Share of samples whose ratio is above the range, a scalar. */
  clippedAbove: tf.Scalar;
  /** Share of samples whose ratio is below the range, a scalar. */
  clippedBelow: tf.Scalar;
}

interface Clips {
  clipLow: number;
  clipHigh: number;
  /** 0: none. */
  advantageClip: number;
}

/** Policy loss and the two shares out of ordinary tfjs ops; also the reference of the tests. */
export function composedPolicyLoss(
  logProb: tf.Tensor1D,
  oldLogProb: tf.Tensor1D,
  advantage: tf.Tensor1D,
  { clipLow, clipHigh, advantageClip }: Clips,
): tf.Tensor[] {
  return tf.tidy(() => {
    const limited = advantageClip > 0 ? tf.clipByValue(advantage, -advantageClip, advantageClip) : advantage;
    const against = tf.neg(limited);
    const ratio = tf.exp(tf.sub(logProb, oldLogProb));
    const bounded = tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh);
    const loss = tf.maximum(tf.mul(against, ratio), tf.mul(against, bounded));
    const share = (outside: tf.Tensor) =>
      tf.div(tf.sum(tf.cast(outside, 'float32')), Math.max(logProb.size, 1));
    return [
      loss,
      share(tf.greater(tf.sub(ratio, 1), clipHigh)),
      share(tf.greater(tf.sub(1, ratio), clipLow)),
    ] as tf.Tensor[];
  });
}

/**
 * The clipped policy loss of GRPO, per sample (specification §7.6; Schulman et al. 2017, eq. 7, with separate limits):
 * `ρ = exp(logProb − oldLogProb)`, `loss = max(−A·ρ, −A·clamp(ρ, 1 − clipLow, 1 + clipHigh))`, plus
 * `weight · mean((mean − referenceMean)²)/(2σ²)` with `kl`. At ρ = 1 the gradient is exactly −A. Nothing is averaged over
 * samples: the caller chooses the mean or the sum.
 *
 * @param logProb `[N]`; the only vector that gets a gradient
 * @param oldLogProb `[N]`, of the policy that drew the samples
 * @param advantage `[N]`, see `grpoAdvantage`
 * @throws Error naming shapes, or an option that is out of range
 */
export function grpoLoss(
  logProb: tf.Tensor1D,
  oldLogProb: tf.Tensor1D,
  advantage: tf.Tensor1D,
  options: GrpoLossOptions,
): GrpoLoss {
  const tensors = { logProb, oldLogProb, advantage };
  expectFloat('grpoLoss', tensors);
  const fits = logProb.rank === 1 && sameShape(logProb, oldLogProb) && sameShape(logProb, advantage);
  expectThat(fits, 'grpoLoss', 'three vectors [N]', tensors);
  const { clipLow, clipHigh, advantageClip = 0, kl } = options;
  if (!(clipLow >= 0 && clipLow <= 1) || !(clipHigh >= 0) || !(advantageClip >= 0)) {
    throw new Error(
      'grpoLoss: expected clipLow in [0, 1], clipHigh >= 0 and advantageClip > 0, ' +
        `found clipLow ${clipLow}, clipHigh ${clipHigh}, advantageClip ${advantageClip}`,
    );
  }
  const clips = { clipLow, clipHigh, advantageClip };
  const results = tf.tidy(() => {
    const [old, given] = [frozen(oldLogProb), frozen(advantage)];
    const parts = hasKernel('GrpoLoss')
      ? runMany('GrpoLoss', { logProb, oldLogProb: old, advantage: given }, clips)
      : composedPolicyLoss(logProb, old, given, clips);
    if (kl === undefined) return parts;
    const divergence = gaussianKl(kl.mean, kl.referenceMean, kl.sigma);
    expectThat(divergence.size === logProb.size, 'grpoLoss', 'one mean per sample', {
      logProb,
      mean: kl.mean,
    });
    return [...parts, divergence, tf.add(parts[0]!, tf.mul(divergence, kl.weight))];
  });
  const [policyLoss, clippedAbove, clippedBelow, divergence, total] = results;
  return {
    loss: total ?? policyLoss,
    policyLoss,
    kl: divergence ?? null,
    clippedAbove,
    clippedBelow,
  } as GrpoLoss;
}

type Vectors = { logProb: tf.TensorInfo; oldLogProb: tf.TensorInfo; advantage: tf.TensorInfo };

/** Native kernels of `grpoLoss`; the C++ side is cpp/cpu/grpo_loss.cc. */
export const grpoLossKernels: NativeKernel[] = [
  kernel<Vectors, Clips>('GrpoLoss', ({ inputs, attrs, backend }) =>
    backend
      .call('GrpoLoss')
      .tensor(inputs.logProb)
      .tensor(inputs.oldLogProb)
      .tensor(inputs.advantage)
      .real(attrs.clipLow)
      .real(attrs.clipHigh)
      .real(attrs.advantageClip)
      .outputs([inputs.logProb.shape, [], []], 'float32'),
  ),
  kernel<Vectors & { dy: tf.TensorInfo }, Clips>('GrpoLossGrad', ({ inputs, attrs, backend }) =>
    backend
      .call('GrpoLossGrad')
      .tensor(inputs.dy)
      .tensor(inputs.logProb)
      .tensor(inputs.oldLogProb)
      .tensor(inputs.advantage)
      .real(attrs.clipLow)
      .real(attrs.clipHigh)
      .real(attrs.advantageClip)
      .output(inputs.logProb.shape, 'float32'),
  ),
];

tf.registerGradient({
  kernelName: 'GrpoLoss',
  inputsToSave: ['logProb', 'oldLogProb', 'advantage'],
  gradFunc: (dy, saved, attrs) => {
    const [logProb, oldLogProb, advantage] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    // The shares are step functions: only the loss, output 0, has a gradient.
    const inputs = { dy: (dy as tf.Tensor[])[0]!, logProb, oldLogProb, advantage };
    const { clipLow, clipHigh, advantageClip } = attrs as unknown as Clips;
    return { logProb: () => runOne('GrpoLossGrad', inputs, { clipLow, clipHigh, advantageClip }) };
  },
});
