import { flowSdeCoefficients, flowSdeLogProb, grpoLoss, noGrad, tf } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import type { Pass } from '../gradient-step.js';
import type { GroupField } from './group-field.js';
import type { StepTimes } from './roll-out.js';

/** One stochastic step of several pictures, to be learnt from. */
export interface PolicyStep {
  readonly field: GroupField;
  /** State before the step and the state that was drawn, [count, tokens, channels]. */
  readonly from: tf.Tensor3D;
  readonly to: tf.Tensor3D;
  readonly times: StepTimes;
  /** [count] */
  readonly advantages: Float32Array;
  /** [count] log-probabilities under the policy that drew; absent while that is the policy that learns. */
  readonly oldLogProb?: tf.Tensor1D | undefined;
}

export interface PolicyPassOptions {
  readonly policy: Pick<TrainConfig['grpo'], 'clipLow' | 'clipHigh' | 'advantageClip' | 'anchor'>;
  /** 1 / (pictures · steps) of the whole update: passes sum up to a mean. */
  readonly share: number;
  readonly recompute: boolean;
  /** Runs a function with the policy that the stage started from; absent where that is gone. */
  readonly asReference?: (<T>(f: () => T) => T) | undefined;
}

/**
 * Clipped policy loss of one step (spec 7.6) with an anchor: `kl` is the divergence of the two Gaussian steps,
 * mean((μ − μ_ref)²)/(2σ²); `velocity` the mean squared difference of the velocities. Both come from the same second
 * forward pass, with the adapter of the policy exchanged for the one that it started from: no second model.
 */
export function policyPass(step: PolicyStep, options: PolicyPassOptions): Pass {
  const { field, from, to, times, oldLogProb } = step;
  const { policy, share, recompute, asReference } = options;
  const { sigma, velocity: factor } = flowSdeCoefficients(times, 1);
  const klFactor = factor[0]! ** 2 / (2 * sigma[0]! ** 2);
  const advantage = tf.tensor1d(step.advantages);
  return {
    losses: () => {
      const velocity = field.at(from, times.t, recompute);
      const { logProb } = flowSdeLogProb(to, from, velocity, times);
      const old = oldLogProb ?? noGrad(() => tf.clone(logProb));
      const { policyLoss, clippedAbove, clippedBelow } = grpoLoss(logProb, old, advantage, policy);
      const apart = asReference
        ? distanceTo(
            noGrad(() => asReference(() => field.at(from, times.t))),
            velocity,
          )
        : null;
      const penalty = apart && tf.mul(apart, policy.anchor.kind === 'kl' ? klFactor : 1);
      const anchored =
        penalty && policy.anchor.kind !== 'none' ? tf.mul(penalty, policy.anchor.weight) : null;
      const sum = (x: tf.Tensor) => tf.mul(tf.sum(x), share) as tf.Scalar;
      const count = tf.scalar(share * advantage.size);
      const parts = [
        sum(policyLoss),
        anchored ? sum(anchored) : tf.scalar(0),
        apart ? sum(tf.mul(apart, klFactor)) : tf.scalar(0),
        tf.mul(clippedAbove, count),
        tf.mul(clippedBelow, count),
        sum(tf.exp(tf.sub(logProb, old))),
      ];
      const loss = sum(anchored ? tf.add(policyLoss, anchored) : policyLoss);
      return { loss, parts: tf.stack(parts) as tf.Tensor1D };
    },
    dispose: () => advantage.dispose(),
  };
}

/** Mean squared difference of each picture, [count]; gradient flows to `velocity`. */
function distanceTo(reference: tf.Tensor3D, velocity: tf.Tensor3D): tf.Tensor1D {
  return tf.mean(tf.squaredDifference(velocity, reference), [1, 2]) as tf.Tensor1D;
}
