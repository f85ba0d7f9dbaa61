import type { Precision } from '@unicharacter/native';
import { answer, type GenerationModels } from '../../generate/index.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import type { SampledReply } from './text-policy-pass.js';

/** How a group of replies to one prompt is sampled. */
export interface SpeakPlan {
  readonly count: number;
  readonly temperature: number;
  readonly maxTokens: number;
  /** Arithmetic of decoding: that in which the replies are learnt from. */
  readonly precision: Precision;
  readonly seed: number;
  readonly stream: number;
  /** Number of the first reply in the run; every reply has random numbers of its own. */
  readonly first: number;
}

/** Samples replies to a prompt. Of two calls with the same numbers and weights, both say the same. */
export async function speak(
  models: GenerationModels,
  prompt: string,
  plan: SpeakPlan,
  signal: AbortSignal | undefined,
): Promise<{ replies: SampledReply[]; texts: string[] }> {
  const { count, temperature, maxTokens, precision, seed, stream, first } = plan;
  const { model, tokenizer } = models;
  const ids = tokenizer.encode(prompt);
  const replies: SampledReply[] = [];
  const texts: string[] = [];
  const before = model.inferencePrecision;
  model.inferencePrecision = precision;
  try {
    for (let i = 0; i < count; i++) {
      // No nucleus: the log-probabilities are those of the whole distribution.
      const own = {
        temperature,
        topP: 1,
        maxTokens,
        seed: new KeyedRandom(seed, stream, [first + i]).bits(),
      };
      const spoken = await answer(models, [{ kind: 'text', text: prompt }], {
        ...own,
        ...(signal ? { signal } : {}),
      });
      replies.push({ prompt: ids, ids: spoken.ids, ended: spoken.finish === 'stop' });
      texts.push(spoken.text);
    }
    return { replies, texts };
  } finally {
    model.inferencePrecision = before;
  }
}
