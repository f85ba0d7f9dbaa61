import { isGenerationExpert } from '../../model/index.js';
import type { CompositeReward, RewardSample } from '../../reward/index.js';
import { Alarms, firstMeasures } from '../alarms.js';
import type { Progress } from '../progress.js';
import type { Session } from '../session.js';
import type { LoopResult } from '../training-loop.js';
import { CharacterGrpoStage } from './character-grpo-stage.js';
import { imagePrompts } from './image-prompts.js';
import { imageRewards } from './image-rewards.js';
import { learnByPolicy } from './learn-by-policy.js';

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
  const alarms = new Alarms(config.alarms, emit, progress.checkpoint && firstMeasures(run, 'grpo'));
  return learnByPolicy(session, progress, secondsBefore, {
    name: 'grpo',
    checkpoints: run.grpo,
    every: config.grpo.every,
    policy: { train: config.grpo.train, earlier: [run.checkpoints], trains: isGenerationExpert },
    prompts: await imagePrompts(data.character, config.grpo.prompts),
    reward: async ({ model }) =>
      given ? { reward: given } : imageRewards(config, data.character, model, base.tokenizer),
    stage: (parts) =>
      new CharacterGrpoStage({ ...parts, references: [...session.pictures.values()] }, config),
    alarms: (event) => alarms.look(event),
  });
}
