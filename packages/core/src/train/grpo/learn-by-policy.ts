import type { GenerationModels } from '../../generate/index.js';
import type { CompositeReward } from '../../reward/index.js';
import { CharacterEngine } from '../../run/character-engine.js';
import type { CheckpointFolder } from '../../run/run-folder.js';
import type { StepEvent } from '../../run/train-event.js';
import { restoreOptimizer } from '../checkpoint.js';
import { describeTrained } from '../fine-tune.js';
import type { Progress } from '../progress.js';
import { SampleWriter } from '../sample-writer.js';
import { loopContext, type Session } from '../session.js';
import { type LoopResult, trainStage } from '../training-loop.js';
import type { TrainingStage } from '../training-stage.js';
import { openPolicy, type Policy, type PolicyOptions } from './open-policy.js';
import type { PolicyStageParts } from './policy-stage.js';

/** A stage that learns from rewards: what it is called, builds on, is rewarded by, and how it is made. */
export interface PolicyStageKind<Prompt, Sample> {
  readonly name: 'grpo' | 'text-grpo';
  readonly checkpoints: CheckpointFolder;
  /** Epochs between checkpoints and between samples. */
  readonly every: number;
  readonly policy: Omit<PolicyOptions, 'checkpoint'>;
  readonly prompts: readonly Prompt[];
  /** The reward, disposed at the end of the stage, and what it consists of in words. */
  reward(policy: Policy): Promise<{ reward: CompositeReward<Sample>; description?: string }>;
  stage(parts: PolicyStageParts<Prompt, Sample>): TrainingStage & { dispose(): void };
  /** Watches the epochs. @returns why to stop, if at all */
  readonly alarms?: (event: StepEvent) => string | undefined;
}

/** Runs a stage of policy learning from where the run stands. */
export async function learnByPolicy<Prompt, Sample>(
  session: Session,
  progress: Progress,
  secondsBefore: number,
  kind: PolicyStageKind<Prompt, Sample>,
): Promise<LoopResult> {
  const { base, config, data, run, emit } = session;
  const { name, prompts, every } = kind;
  const from = progress.checkpoint;
  const policy = openPolicy(session, { ...kind.policy, checkpoint: from?.path });
  const models: GenerationModels = { model: policy.model, vae: policy.vae, tokenizer: base.tokenizer };
  let reward: CompositeReward<Sample> | undefined;
  let stage: ReturnType<typeof kind.stage> | undefined;
  try {
    const judge = await kind.reward(policy);
    reward = judge.reward;
    const engine = new CharacterEngine(data.character, models, config.generate);
    const writer = new SampleWriter(run, engine, config.samples, emit, name);
    stage = kind.stage({
      models,
      trained: policy.trained,
      ...(policy.reference === undefined ? {} : { reference: policy.reference }),
      prompts,
      reward,
      emit,
      sample: (epoch: number) => writer.write(epoch),
    });
    if (from) restoreOptimizer(stage, from.path);
    const { weights, provenance } = reward;
    const words = [
      `learning from ${prompts.length} prompts`,
      describeTrained(policy.trained),
      judge.description ?? [],
    ];
    const message = words.flat().join('; ');
    emit({ type: 'stage', stage: name, steps: stage.steps, message, rewards: { weights, provenance } });
    const before = { secondsBefore, score: (from && progress.state?.score) ?? null };
    return await trainStage(stage, from, {
      ...loopContext(session, kind.checkpoints, before),
      checkpointEvery: every,
      sampleEvery: every,
      ...(kind.alarms ? { alarms: kind.alarms } : {}),
    });
  } finally {
    stage?.dispose();
    reward?.dispose();
    policy.dispose();
  }
}
