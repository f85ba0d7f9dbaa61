import { allDialogues, dialoguePrompt } from '../../data/index.js';
import { isGenerationExpert } from '../../model/index.js';
import type { CompositeReward, TextRewardSample } from '../../reward/index.js';
import { CharacterEngine } from '../../run/character-engine.js';
import { restoreOptimizer } from '../checkpoint.js';
import { describeTrained } from '../fine-tune.js';
import type { Progress } from '../progress.js';
import { SampleWriter } from '../sample-writer.js';
import { loopContext, type Session } from '../session.js';
import { type LoopResult, trainStage } from '../training-loop.js';
import { openPolicy } from './open-policy.js';
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
  const { base, config, data, run, emit } = session;
  const { character } = data;
  const from = progress.checkpoint;
  const policy = openPolicy(session, {
    train: config.textGrpo.train,
    earlier: [run.checkpoints, run.grpo],
    checkpoint: from?.path,
    trains: (name) => !isGenerationExpert(name),
  });
  const models = { model: policy.model, vae: policy.vae, tokenizer: base.tokenizer };
  let reward = given;
  let stage: TextGrpoStage | undefined;
  try {
    reward ??= await textRewards(config, character);
    const engine = new CharacterEngine(character, models, config.generate);
    const writer = new SampleWriter(run, engine, config.samples, emit, 'text-grpo');
    const parts = {
      character: character.name,
      models,
      trained: policy.trained,
      ...(policy.reference === undefined ? {} : { reference: policy.reference }),
      prompts: [...new Set(allDialogues(character).map(({ user }) => user))].map((user) => ({
        user,
        prompt: dialoguePrompt({ ...character, user }),
      })),
      reward,
      emit,
      sample: (epoch: number) => writer.write(epoch),
    };
    stage = new TextGrpoStage(parts, config);
    if (from) restoreOptimizer(stage, from.path);
    const { weights, provenance } = reward;
    emit({
      type: 'stage',
      stage: 'text-grpo',
      steps: stage.steps,
      message: `learning from replies to ${parts.prompts.length} prompts; ${describeTrained(policy.trained)}`,
      rewards: { weights, provenance },
    });
    const before = { secondsBefore, score: (from && progress.state?.score) ?? null };
    return await trainStage(stage, from, {
      ...loopContext(session, run.textGrpo, before),
      checkpointEvery: config.textGrpo.every,
      sampleEvery: config.textGrpo.every,
    });
  } finally {
    stage?.dispose();
    reward?.dispose();
    policy.dispose();
  }
}
