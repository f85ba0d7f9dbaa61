import { allDialogues, dialoguePrompt } from '../../data/index.js';
import type { CompositeReward, TextRewardSample } from '../../reward/index.js';
import type { Progress } from '../progress.js';
import type { Session } from '../session.js';
import type { LoopResult } from '../training-loop.js';
import { learnByPolicy } from './learn-by-policy.js';
import { TextGrpoStage } from './text-grpo-stage.js';
import { textRewards } from './text-rewards.js';

/**
 * Runs GRPO on replies from where the run stands. Prompts are what users say to the character in its data.
 * @param given judges the replies instead of the rewards of the configuration
 */
export async function learnFromReplies(
  session: Session,
  progress: Progress,
  secondsBefore: number,
  given?: CompositeReward<TextRewardSample>,
): Promise<LoopResult> {
  const { config, data, run } = session;
  const { character } = data;
  const said = [...new Set(allDialogues(character).map(({ user }) => user))];
  return learnByPolicy(session, progress, secondsBefore, {
    name: 'text-grpo',
    checkpoints: run.textGrpo,
    every: config.textGrpo.every,
    policy: {
      train: config.textGrpo.train,
      earlier: [run.checkpoints, run.grpo],
      experts: ['und'],
    },
    prompts: said.map((user) => ({ user, prompt: dialoguePrompt({ ...character, user }) })),
    reward: async () => ({ reward: given ?? (await textRewards(config, character)) }),
    stage: (parts) => new TextGrpoStage({ ...parts, character: character.name }, config),
  });
}
