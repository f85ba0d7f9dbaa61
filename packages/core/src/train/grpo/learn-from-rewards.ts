import { isGenerationExpert } from '../../model/index.js';
import type { CompositeReward, RewardSample } from '../../reward/index.js';
import { CharacterEngine } from '../../run/character-engine.js';
import { Alarms, firstMeasures } from '../alarms.js';
import { restoreOptimizer } from '../checkpoint.js';
import { describeTrained } from '../fine-tune.js';
import type { Progress } from '../progress.js';
import { SampleWriter } from '../sample-writer.js';
import { loopContext, type Session } from '../session.js';
import { type LoopResult, trainStage } from '../training-loop.js';
import { CharacterGrpoStage } from './character-grpo-stage.js';
import { imagePrompts } from './image-prompts.js';
import { imageRewards } from './image-rewards.js';
import { openPolicy } from './open-policy.js';

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
  const prompts = await imagePrompts(data.character, config.grpo.prompts);
  const from = progress.checkpoint;
  const policy = openPolicy(session, {
    train: config.grpo.train,
    earlier: [run.checkpoints],
    checkpoint: from?.path,
    trains: isGenerationExpert,
  });
  const models = { model: policy.model, vae: policy.vae, tokenizer: base.tokenizer };
  let reward = given;
  let stage: CharacterGrpoStage | undefined;
  try {
    const own = given ? undefined : await imageRewards(config, policy.model, base.tokenizer);
    reward ??= own!.reward;
    const engine = new CharacterEngine(data.character, models, config.generate);
    const writer = new SampleWriter(run, engine, config.samples, emit, 'grpo');
    const parts = {
      models,
      trained: policy.trained,
      ...(policy.reference === undefined ? {} : { reference: policy.reference }),
      prompts,
      reward,
      references: [...session.pictures.values()],
      emit,
      sample: (epoch: number) => writer.write(epoch),
    };
    stage = new CharacterGrpoStage(parts, config);
    if (from) restoreOptimizer(stage, from.path);
    const words = `learning from ${prompts.length} prompts; ${describeTrained(policy.trained)}`;
    const { weights, provenance } = reward;
    const message = own ? `${words}; ${own.description}` : words;
    emit({ type: 'stage', stage: 'grpo', steps: stage.steps, message, rewards: { weights, provenance } });
    const alarms = new Alarms(config.alarms, emit, from && firstMeasures(run, 'grpo'));
    const before = { secondsBefore, score: (from && progress.state?.score) ?? null };
    return await trainStage(stage, from, {
      ...loopContext(session, run.grpo, before),
      checkpointEvery: config.grpo.every,
      sampleEvery: config.grpo.every,
      alarms: (event) => alarms.look(event),
    });
  } finally {
    stage?.dispose();
    reward?.dispose();
    policy.dispose();
  }
}
