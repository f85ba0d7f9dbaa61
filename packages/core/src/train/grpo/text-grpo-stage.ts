import type { TrainConfig } from '../../config/index.js';
import { streams } from '../../random/keyed-random.js';
import type { TextRewardSample } from '../../reward/index.js';
import type { Pass } from '../gradient-step.js';
import { compare, type Judgement } from './judge-images.js';
import { PolicyStage, type PolicyStageParts } from './policy-stage.js';
import { SampledReplies } from './sampled-replies.js';

/** What the character is asked, and the whole prompt around it. */
export interface TextPrompt {
  readonly user: string;
  readonly prompt: string;
}

export interface TextGrpoParts extends PolicyStageParts<TextPrompt, TextRewardSample> {
  readonly character: string;
}

interface ReplyGroup {
  readonly prompt: TextPrompt;
  readonly replies: SampledReplies;
}

/** GRPO on replies: groups of replies are sampled, and their tokens are what is made likelier or less likely. */
export class TextGrpoStage extends PolicyStage<
  TrainConfig['textGrpo'],
  TextPrompt,
  TextRewardSample,
  ReplyGroup,
  TextGrpoParts
> {
  readonly name = 'text-grpo';

  constructor(parts: TextGrpoParts, config: Pick<TrainConfig, 'textGrpo' | 'seed' | 'precision'>) {
    super(parts, config.textGrpo, config);
  }

  protected async draw(
    prompt: TextPrompt,
    epoch: number,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<ReplyGroup> {
    const { groupSize, promptsPerEpoch, temperature, maxTokens } = this.config;
    const plan = {
      count: groupSize,
      temperature,
      maxTokens,
      precision: this.precision,
      seed: this.seed,
      stream: streams.grpoText,
      first: (epoch * promptsPerEpoch + index) * groupSize,
    };
    return { prompt, replies: await SampledReplies.speak(this.parts.models, prompt.prompt, plan, signal) };
  }

  protected async judge(groups: readonly ReplyGroup[]): Promise<Judgement> {
    const samples: TextRewardSample[] = groups.flatMap(({ prompt, replies }, group) =>
      replies.texts.map((reply) => ({ character: this.parts.character, prompt: prompt.user, reply, group })),
    );
    const scores = await this.parts.reward.score(samples);
    return compare(
      scores,
      samples.map(({ group }) => group),
      this.config,
    );
  }

  protected describe({ prompt }: ReplyGroup): string {
    return prompt.user;
  }

  protected remember({ replies }: ReplyGroup): void {
    replies.remember();
  }

  protected passes({ replies }: ReplyGroup, advantages: Float32Array, share: number): (() => Pass)[] {
    const options = { policy: this.config, share, asReference: this.referenceFor(this.config.anchor.kind) };
    return [() => replies.pass(advantages, options)];
  }

  protected tokens(groups: readonly ReplyGroup[]): number {
    return groups.reduce((sum, { replies }) => sum + replies.tokens, 0);
  }

  protected release(groups: readonly ReplyGroup[]): void {
    for (const { replies } of groups) replies.dispose();
  }
}
