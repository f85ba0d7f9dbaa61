import { AdamW, noGrad, type tf, withAutocast } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import { answer, type GenerationModels } from '../../generate/index.js';
import type { LoraAdapter } from '../../model/index.js';
import { KeyedRandom, streams } from '../../random/keyed-random.js';
import type { CompositeReward, TextRewardSample } from '../../reward/index.js';
import type { TrainEvent } from '../../run/train-event.js';
import { gradientStep } from '../gradient-step.js';
import type { StepOutcome, Trained, TrainingStage } from '../training-stage.js';
import { chosenPrompts, inUpdates } from './epoch-order.js';
import { compare, type Judgement } from './judge-images.js';
import {
  ReplyLogProbs,
  type SampledReply,
  sampledTokens,
  TEXT_POLICY_PARTS,
  textPolicyPass,
} from './text-policy-pass.js';
import { meanOfUpdates } from './update-means.js';

/** What the character is asked, and the whole prompt around it. */
export interface TextPrompt {
  readonly user: string;
  readonly prompt: string;
}

export interface TextGrpoParts {
  readonly character: string;
  readonly models: GenerationModels;
  readonly trained: Trained;
  readonly reference?: LoraAdapter | null;
  readonly prompts: readonly TextPrompt[];
  readonly reward: CompositeReward<TextRewardSample>;
  readonly emit: (event: TrainEvent) => void;
  readonly sample?: (epoch: number) => Promise<void>;
}

interface ReplyGroup {
  readonly prompt: TextPrompt;
  readonly replies: SampledReply[];
  readonly texts: string[];
  readonly logProbs: ReplyLogProbs;
  old?: tf.Tensor1D;
}

/** GRPO on replies: one step is an epoch of sampling groups of replies, judging them and learning from the comparison. */
export class TextGrpoStage implements TrainingStage {
  readonly name = 'text-grpo';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  readonly precision;
  readonly trained: Trained;
  readonly optimizer: AdamW;
  private readonly config: TrainConfig['textGrpo'];
  private readonly seed: number;

  constructor(
    private readonly parts: TextGrpoParts,
    { textGrpo: config, seed, precision }: Pick<TrainConfig, 'textGrpo' | 'seed' | 'precision'>,
  ) {
    this.config = config;
    this.seed = seed;
    this.precision = precision;
    this.steps = config.epochs;
    this.schedule = config.optimizer;
    this.clipNorm = config.optimizer.clipNorm;
    this.trained = parts.trained;
    this.optimizer = new AdamW(config.optimizer);
  }

  async advance(epoch: number, lr: number, signal?: AbortSignal): Promise<StepOutcome> {
    const groups: ReplyGroup[] = [];
    try {
      const chosen = chosenPrompts(this.parts.prompts, this.config.promptsPerEpoch, epoch, this.seed);
      for (const [index, prompt] of chosen.entries())
        groups.push(await this.speak(prompt, epoch, index, signal));
      const judgement = await this.judge(groups);
      this.parts.emit({
        type: 'rewards',
        stage: 'text-grpo',
        step: epoch + 1,
        prompts: groups.map(({ prompt }, index) => ({ prompt: prompt.user, ...judgement.byGroup[index]! })),
      });
      const learnt = await this.learn(groups, judgement, epoch, lr);
      const lengths = groups.flatMap(({ replies }) => replies.map(sampledTokens));
      return {
        ...learnt,
        tokens: lengths.reduce((sum, length) => sum + length, 0),
        rewards: judgement.means,
        measures: { ...judgement.measures, ...learnt.measures },
      };
    } finally {
      for (const { logProbs, old } of groups) {
        logProbs.dispose();
        old?.dispose();
      }
    }
  }

  private async speak(
    prompt: TextPrompt,
    epoch: number,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<ReplyGroup> {
    const { groupSize, temperature, maxTokens, promptsPerEpoch } = this.config;
    const { model, tokenizer } = this.parts.models;
    const ids = tokenizer.encode(prompt.prompt);
    const spoken: Awaited<ReturnType<typeof answer>>[] = [];
    for (let i = 0; i < groupSize; i++) {
      const place = (epoch * promptsPerEpoch + index) * groupSize + i;
      const seed = new KeyedRandom(this.seed, streams.grpoText, [place]).bits();
      // No nucleus: the log-probabilities are those of the whole distribution.
      const options = { temperature, topP: 1, maxTokens, seed, ...(signal ? { signal } : {}) };
      spoken.push(await answer(this.parts.models, [{ kind: 'text', text: prompt.prompt }], options));
    }
    const replies = spoken.map((reply) => ({ prompt: ids, ids: reply.ids, ended: reply.finish === 'stop' }));
    const logProbs = new ReplyLogProbs(model, tokenizer.special, replies, temperature);
    return { prompt, replies, texts: spoken.map(({ text }) => text), logProbs };
  }

  private async judge(groups: readonly ReplyGroup[]): Promise<Judgement> {
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

  private async learn(
    groups: readonly ReplyGroup[],
    { advantages, flat }: Judgement,
    epoch: number,
    lr: number,
  ): Promise<Pick<StepOutcome, 'losses' | 'gradNorm' | 'measures'>> {
    const { updates, innerEpochs, groupSize } = this.config;
    const teaching = groups.map((group, index) => ({ group, index })).filter(({ index }) => !flat[index]);
    const batches = inUpdates(teaching, updates, innerEpochs, epoch, this.seed);
    if (batches.length > 1) {
      for (const { group } of teaching) {
        group.old = noGrad(() => withAutocast(this.precision, () => group.logProbs.values()));
      }
    }
    const results: Record<string, number>[] = [];
    for (const batch of batches) {
      const share = 1 / (batch.length * groupSize);
      const open = batch.map(({ group, index }) => () => {
        const own = Array.from(advantages.subarray(index * groupSize, (index + 1) * groupSize));
        return textPolicyPass(group.replies, group.logProbs, own, group.old, {
          policy: this.config,
          share,
          asReference: this.asReference(),
        });
      });
      results.push(await gradientStep(this, lr, open, TEXT_POLICY_PARTS));
    }
    return meanOfUpdates(results, TEXT_POLICY_PARTS);
  }

  private asReference(): (<T>(f: () => T) => T) | undefined {
    const { reference, models } = this.parts;
    if (reference === undefined || this.config.anchor.kind === 'none') return undefined;
    return (f) => models.model.withAdapter(reference, f);
  }

  /** Everything random is keyed by the epoch: nothing else to remember. */
  position(): Record<string, number> {
    return {};
  }

  async sample(epoch: number): Promise<void> {
    await this.parts.sample?.(epoch);
  }

  dispose(): void {
    this.optimizer.dispose();
  }
}
