import type { CompositeReward, RewardSample, TextRewardSample } from '../../reward/index.js';
import type { Progress } from '../progress.js';
import type { Session } from '../session.js';
import { TrainError } from '../train-error.js';
import type { LoopResult } from '../training-loop.js';

export async function learnFromRewards(
  _session: Session,
  _progress: Progress,
  _seconds: number,
  _reward?: CompositeReward<RewardSample>,
): Promise<LoopResult> {
  throw new TrainError('the stage "grpo" is being built; train the stage "sft"');
}

export async function learnFromReplies(
  _session: Session,
  _progress: Progress,
  _seconds: number,
  _reward?: CompositeReward<TextRewardSample>,
): Promise<LoopResult> {
  throw new TrainError('the stage "text-grpo" is being built; train the stage "sft"');
}
