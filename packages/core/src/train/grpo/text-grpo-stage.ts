import { noGrad, type tf, withAutocast } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import { streams } from '../../random/keyed-random.js';
import type { TextRewardSample } from '../../reward/index.js';
import type { Pass } from '../gradient-step.js';
import { compare, type Judgement } from './judge-images.js';
import { PolicyStage, type PolicyStageParts } from './policy-stage.js';
import { speak } from './speak.js';
import { ReplyLogProbs, type SampledReply, sampledTokens, textPolicyPass } from './text-policy-pass.js';

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
  readonly replies: SampledReply[];
  readonly texts: string[];
  readonly logProbs: ReplyLogProbs;
  old?: tf.Tensor1D;
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
    const { models } = this.parts;
    const plan = {
      count: groupSize,
      temperature,
      maxTokens,
      precision: this.precision,
      seed: this.seed,
      stream: streams.grpoText,
      first: (epoch * promptsPerEpoch + index) * groupSize,
    };
    const { replies, texts } = await speak(models, prompt.prompt, plan, signal);
    const logProbs = new ReplyLogProbs(models.model, models.tokenizer.special, replies, temperature);
    return { prompt, replies, texts, logProbs };
  }

  protected async judge(groups: readonly ReplyGroup[]): Promise<Judgement> {
    const samples: TextRewardSample[] = groups.flatMap(({ prompt, texts }, group) =>
      texts.map((reply) => ({ character: this.parts.character, prompt: prompt.user, reply, group })),
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

  protected remember(group: ReplyGroup): void {
    group.old = noGrad(() => withAutocast(this.precision, () => group.logProbs.values()));
  }

  protected passes(group: ReplyGroup, advantages: Float32Array, share: number): (() => Pass)[] {
    const { replies, logProbs, old } = group;
    const options = { policy: this.config, share, asReference: this.referenceFor(this.config.anchor.kind) };
    return [() => textPolicyPass(replies, logProbs, Array.from(advantages), old, options)];
  }

  protected tokens(groups: readonly ReplyGroup[]): number {
    const lengths = groups.flatMap(({ replies }) => replies.map(sampledTokens));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  protected release(groups: readonly ReplyGroup[]): void {
    for (const { logProbs, old } of groups) {
      logProbs.dispose();
      old?.dispose();
    }
  }
}
