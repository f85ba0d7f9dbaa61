import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectFloat, expectThat } from './check.js';
import { hasKernel, runMany } from './dispatch.js';

export interface GrpoAdvantageOptions {
  /** Standard deviation to divide by: of the sample's group, of all samples, or none at all. Default 'group'. */
  scope?: 'group' | 'global' | 'none';
  /** Added to the standard deviation. Default 1e-4. */
  epsilon?: number;
  /** Advantages are limited to [-clip, clip]; not limited when absent. */
  clip?: number;
  /** Compare each reward with the mean of the other members of its group instead of all members. Default false. */
  leaveOneOut?: boolean;
}

export interface GrpoAdvantages {
  /** `[N]` */
  advantages: tf.Tensor1D;
  /** Number of groups, an int32 scalar. */
  groups: tf.Scalar;
  /** Number of groups whose standard deviation is below 1e-6: they teach nothing. An int32 scalar. */
  zeroVarianceGroups: tf.Scalar;
}

type Settings = Required<GrpoAdvantageOptions>;

const SCOPES = ['group', 'global', 'none'] as const;
const ZERO_DEVIATION = 1e-6;

/**
 * The op out of ordinary tfjs ops on an `[N, N]` table of "same group"; also the reference of the tests. Rewards are taken
 * relative to the smallest of the group, so that equal rewards give exactly 0.
 */
export function composedGrpoAdvantage(
  rewards: tf.Tensor1D,
  groups: tf.Tensor1D,
  { scope, epsilon, clip, leaveOneOut }: Settings,
): GrpoAdvantages {
  const [advantages, groupCount, zeroCount] = tf.tidy(() => {
    const same = tf.equal(tf.expandDims(groups, 1), tf.expandDims(groups, 0));
    // Row i lists the values of the group of sample i; selecting keeps a NaN inside its group.
    const ofGroup = (values: tf.Tensor, rest: number) =>
      tf.where(same, tf.expandDims(values, 0), tf.scalar(rest));
    const count = tf.sum(tf.cast(same, 'float32'), 1);
    const above = tf.sub(rewards, tf.min(ofGroup(rewards, Number.POSITIVE_INFINITY), 1));
    const centred = tf.sub(above, tf.div(tf.sum(ofGroup(above, 0), 1), count));
    const deviation = tf.sqrt(tf.div(tf.sum(ofGroup(tf.square(centred), 0), 1), count));
    const factor = leaveOneOut
      ? tf.where(tf.greater(count, 1), tf.div(count, tf.maximum(tf.sub(count, 1), 1)), tf.zerosLike(count))
      : tf.onesLike(count);
    const spread = tf.sub(rewards, tf.min(rewards));
    const all = tf.sqrt(tf.mean(tf.square(tf.sub(spread, tf.mean(spread)))));
    const divisor = scope === 'none' ? tf.scalar(1) : tf.add(scope === 'group' ? deviation : all, epsilon);
    const raw = tf.div(tf.mul(centred, factor), divisor);
    const limited = clip > 0 ? tf.clipByValue(raw, -clip, clip) : raw;
    const weight = tf.div(1, count);
    const zero = tf.cast(tf.less(deviation, ZERO_DEVIATION), 'float32');
    const whole = (x: tf.Tensor) => tf.cast(tf.round(tf.sum(x)), 'int32');
    return [limited, whole(weight), whole(tf.mul(weight, zero))] as tf.Tensor[];
  });
  return {
    advantages: advantages as tf.Tensor1D,
    groups: groupCount as tf.Scalar,
    zeroVarianceGroups: zeroCount as tf.Scalar,
  };
}

/**
 * Advantages of Group Relative Policy Optimization: each reward relative to the other rewards of its prompt,
 * `A = (r − mean_g) / (std_g + epsilon)` with the population standard deviation (specification §7.6; Shao et al. 2024,
 * §4.1.2). With `scope: 'global'` the deviation is that of all samples around their common mean, with 'none' it is left out
 * (Liu et al. 2025, "Dr. GRPO"). With `leaveOneOut` the baseline is the mean of the other members (Kool et al. 2019), which
 * multiplies the centred reward by n/(n−1). A group of one sample, or of equal rewards, gives exactly 0; a NaN reward makes
 * its whole group NaN. Statistics are float64 on the native backend.
 *
 * @param rewards `[N]`, N may be 0; no gradient flows through advantages
 * @param groups int32 `[N]`, any numbers: samples with equal numbers form a group, wherever they stand
 * @throws Error naming shapes, or an option that is out of range
 */
export function grpoAdvantage(
  rewards: tf.Tensor1D,
  groups: tf.Tensor1D,
  options: GrpoAdvantageOptions = {},
): GrpoAdvantages {
  const { scope = 'group', epsilon = 1e-4, clip = 0, leaveOneOut = false } = options;
  expectFloat('grpoAdvantage', { rewards });
  const fits = rewards.rank === 1 && groups.rank === 1 && groups.dtype === 'int32';
  expectThat(fits && groups.size === rewards.size, 'grpoAdvantage', 'rewards [N], groups int32 [N]', {
    rewards,
    groups,
  });
  if (!(epsilon >= 0) || !(clip >= 0) || !SCOPES.includes(scope)) {
    throw new Error(
      `grpoAdvantage: expected epsilon >= 0, clip > 0 and scope of ${SCOPES.join(', ')}, ` +
        `found epsilon ${epsilon}, clip ${clip}, scope ${scope}`,
    );
  }
  return noGrad(() => {
    if (hasKernel('GrpoAdvantage')) {
      const attrs = { scope: SCOPES.indexOf(scope), epsilon, clip, leaveOneOut };
      const [advantages, groupCount, zeroVarianceGroups] = runMany(
        'GrpoAdvantage',
        { rewards, groups },
        attrs,
      );
      return { advantages, groups: groupCount, zeroVarianceGroups } as GrpoAdvantages;
    }
    if (rewards.size === 0) {
      const zero = () => tf.scalar(0, 'int32');
      return { advantages: tf.tensor1d([]), groups: zero(), zeroVarianceGroups: zero() };
    }
    return composedGrpoAdvantage(rewards, groups, { scope, epsilon, clip, leaveOneOut });
  });
}

interface KernelAttrs {
  scope: number;
  epsilon: number;
  clip: number;
  leaveOneOut: boolean;
}

/** Native kernel of `grpoAdvantage`; the C++ side is cpp/cpu/grpo_advantage.cc. */
export const grpoAdvantageKernels: NativeKernel[] = [
  kernel<{ rewards: tf.TensorInfo; groups: tf.TensorInfo }, KernelAttrs>(
    'GrpoAdvantage',
    ({ inputs, attrs, backend }) =>
      backend
        .call('GrpoAdvantage')
        .tensor(inputs.rewards)
        .tensor(inputs.groups)
        .int(attrs.scope)
        .flag(attrs.leaveOneOut)
        .real(attrs.epsilon)
        .real(attrs.clip)
        .outputs([inputs.rewards.shape, [], []], ['float32', 'int32', 'int32']),
  ),
];
