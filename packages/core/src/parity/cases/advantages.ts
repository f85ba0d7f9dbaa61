import { grpoAdvantage, tf } from '@unicharacter/native';
import { type CaseRunner, take } from '../case.js';

/** Advantages of rewards in groups of one prompt each, and the two other ways to scale them (spec 7.6). */
export const advantageCase: CaseRunner = (golden, entry) =>
  tf.tidy(() => {
    const rewards = golden.tensor<tf.Tensor1D>(entry, 'rewards');
    const groups = tf.tensor1d(golden.read(entry, 'prompt_index'), 'int32');
    const one = tf.zerosLike(groups);
    return {
      outputs: {
        advantages: take(grpoAdvantage(rewards, groups).advantages),
        advantages_global_std: take(grpoAdvantage(rewards, groups, { scope: 'global' }).advantages),
        advantages_no_tracking: take(grpoAdvantage(rewards, one).advantages),
      },
    };
  });
