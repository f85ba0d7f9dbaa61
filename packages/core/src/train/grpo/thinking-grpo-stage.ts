import { tf } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import { imagePrompt, parseThinkingAnswer, thinkingPrompt } from '../../data/index.js';
import { streams } from '../../random/keyed-random.js';
import type { Pass } from '../gradient-step.js';
import { type CharacterGrpoParts, CharacterGrpoStage } from './character-grpo-stage.js';
import type { ImageGroup } from './image-group.js';
import type { ImagePromptSample } from './image-prompts.js';
import { POLICY_PARTS } from './policy-stage.js';
import { SampledReplies } from './sampled-replies.js';

const PLAN_PARTS = POLICY_PARTS.map((name) => `plan/${name}`);

/** What the thinking stage works with beside the pictures. */
export interface ThinkingGrpoParts extends CharacterGrpoParts {
  readonly character: { readonly description: string };
}

/**
 * Character-GRPO in which the model thinks before it draws (as in UniGRPO): for every picture a plan is
 * sampled, the picture is drawn for that plan, and the picture's advantage teaches both, the tokens of the plan and the
 * stochastic steps of the drawing. Plans are clipped and held by the options of text GRPO.
 */
export class ThinkingGrpoStage extends CharacterGrpoStage {
  protected override readonly partNames = [...POLICY_PARTS, ...PLAN_PARTS];
  /** The plans of each group, one before each picture. */
  private readonly plans = new Map<ImageGroup, SampledReplies>();
  private readonly text: TrainConfig['textGrpo'];

  constructor(
    private readonly thinking: ThinkingGrpoParts,
    config: Pick<TrainConfig, 'grpo' | 'textGrpo' | 'seed' | 'precision'>,
  ) {
    super(thinking, config);
    this.text = config.textGrpo;
  }

  protected override async fill(
    group: ImageGroup,
    before: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { groupSize, thinking } = this.config;
    const { temperature, maxTokens } = thinking;
    const { models, character } = this.thinking;
    const fields = { ...sceneOf(group.sample), description: character.description };
    const plan = {
      count: groupSize,
      temperature,
      maxTokens,
      precision: this.precision,
      seed: this.seed,
      stream: streams.grpoPlans,
      first: before,
    };
    const plans = await SampledReplies.speak(models, thinkingPrompt(fields), plan, signal);
    this.plans.set(group, plans);
    for (const [from, text] of plans.texts.entries()) {
      const ids = models.tokenizer.encode(imagePrompt({ ...fields, ...parseThinkingAnswer(text) }));
      await this.drawChunk(group, ids, { from, count: 1, before }, signal);
    }
  }

  protected override passes(group: ImageGroup, advantages: Float32Array, share: number): (() => Pass)[] {
    const plans = this.plans.get(group)!;
    const options = {
      policy: this.text,
      share: share * this.config.thinking.weight,
      asReference: this.referenceFor(this.text.anchor.kind),
    };
    const nothing = POLICY_PARTS.length;
    return [
      ...super.passes(group, advantages, share).map((open) => () => reporting(open(), 0, nothing)),
      () => reporting(plans.pass(advantages, options), nothing, 0),
    ];
  }

  protected override remember(group: ImageGroup): void {
    super.remember(group);
    this.plans.get(group)!.remember();
  }

  protected override release(groups: readonly ImageGroup[]): void {
    super.release(groups);
    for (const plans of this.plans.values()) plans.dispose();
    this.plans.clear();
  }
}

function sceneOf({ prompt, scene }: ImagePromptSample): NonNullable<ImagePromptSample['scene']> {
  if (scene) return scene;
  throw new RangeError(`expected the words of a scene to think about, found none for "${prompt}"`);
}

/** A pass that reports zeros for parts that it does not have, before and after its own. */
function reporting(pass: Pass, before: number, after: number): Pass {
  return {
    losses: () => {
      const { loss, parts } = pass.losses();
      return { loss, parts: tf.pad(parts, [[before, after]]) as tf.Tensor1D };
    },
    dispose: () => pass.dispose(),
  };
}
