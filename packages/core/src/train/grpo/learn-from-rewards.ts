import type { CompositeReward, RewardSample } from '../../reward/index.js';
import { Alarms, firstMeasures } from '../alarms.js';
import type { Progress } from '../progress.js';
import type { Session } from '../session.js';
import type { LoopResult } from '../training-loop.js';
import { CharacterGrpoStage } from './character-grpo-stage.js';
import { imagePrompts, scenePrompts } from './image-prompts.js';
import { imageRewards } from './image-rewards.js';
import { learnByPolicy } from './learn-by-policy.js';
import { ThinkingGrpoStage } from './thinking-grpo-stage.js';

/**
 * Runs Character-GRPO from where the run stands.
 * @param given judges the pictures instead of the rewards of the configuration
 */
export async function learnFromRewards(
  session: Session,
  progress: Progress,
  secondsBefore: number,
  given?: CompositeReward<RewardSample>,
): Promise<LoopResult> {
  const { base, config, data, run, emit } = session;
  const references = [...(await session.pictures()).values()];
  const alarms = new Alarms(config.alarms, emit, progress.checkpoint && firstMeasures(run, 'grpo'));
  const { character } = data;
  const thinks = config.grpo.thinking.weight > 0;
  return learnByPolicy(session, progress, secondsBefore, {
    name: 'grpo',
    checkpoints: run.grpo,
    every: config.grpo.every,
    policy: {
      train: config.grpo.train,
      earlier: [run.checkpoints],
      experts: thinks ? ['und', 'gen'] : ['gen'],
    },
    prompts: thinks ? scenePrompts(character) : await imagePrompts(character, config.grpo.prompts),
    reward: async (policy) =>
      given ? { reward: given } : imageRewards(config, character, policy, base.tokenizer),
    stage: (parts) =>
      thinks
        ? new ThinkingGrpoStage({ ...parts, references, character }, config)
        : new CharacterGrpoStage({ ...parts, references }, config),
    alarms: (event) => alarms.look(event),
  });
}
