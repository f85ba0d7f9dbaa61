import { noGrad, type Precision, type tf, withAutocast } from '@unicharacter/native';
import type { GenerationModels } from '../../generate/index.js';
import type { Pass } from '../gradient-step.js';
import { type SpeakPlan, speak } from './speak.js';
import {
  ReplyLogProbs,
  type SampledReply,
  sampledTokens,
  type TextPolicyOptions,
  textPolicyPass,
} from './text-policy-pass.js';

/** A group of replies to one prompt, and how likely they are. */
export class SampledReplies {
  readonly texts: readonly string[];
  readonly #replies: readonly SampledReply[];
  readonly #logProbs: ReplyLogProbs;
  readonly #precision: Precision;
  #old: tf.Tensor1D | undefined;

  private constructor(
    texts: readonly string[],
    replies: readonly SampledReply[],
    logProbs: ReplyLogProbs,
    precision: Precision,
  ) {
    this.texts = texts;
    this.#replies = replies;
    this.#logProbs = logProbs;
    this.#precision = precision;
  }

  /** Samples the replies of a plan. */
  static async speak(
    models: GenerationModels,
    prompt: string,
    plan: SpeakPlan,
    signal: AbortSignal | undefined,
  ): Promise<SampledReplies> {
    const { replies, texts } = await speak(models, prompt, plan, signal);
    const { model, tokenizer } = models;
    const logProbs = new ReplyLogProbs(model, tokenizer.special, replies, plan.temperature);
    return new SampledReplies(texts, replies, logProbs, plan.precision);
  }

  /** Sampled tokens of all replies. */
  get tokens(): number {
    return this.#replies.reduce((sum, reply) => sum + sampledTokens(reply), 0);
  }

  /** Remembers how likely they are now: later updates compare with the policy that said them. */
  remember(): void {
    this.#old = noGrad(() => withAutocast(this.#precision, () => this.#logProbs.values()));
  }

  /** The pass that learns from them. @param advantages one per reply */
  pass(advantages: Float32Array, options: TextPolicyOptions): Pass {
    return textPolicyPass(this.#replies, this.#logProbs, Array.from(advantages), this.#old, options);
  }

  dispose(): void {
    this.#logProbs.dispose();
    this.#old?.dispose();
  }
}
