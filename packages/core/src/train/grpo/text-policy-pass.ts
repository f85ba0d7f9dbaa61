import { grpoLoss, noGrad, tf } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import {
  type EncodedSample,
  type MarkerIds,
  packRow,
  stageRow,
  type UnifiedModel,
} from '../../model/index.js';
import type { Pass } from '../gradient-step.js';

/** A reply that was sampled for a prompt. */
export interface SampledReply {
  readonly prompt: ArrayLike<number>;
  readonly ids: readonly number[];
  /** The model ended the reply itself: the end marker was sampled too. */
  readonly ended: boolean;
}

/** Tokens of a reply that were sampled. */
export const sampledTokens = ({ ids, ended }: SampledReply): number => ids.length + (ended ? 1 : 0);

export interface TextPolicyOptions {
  readonly policy: Pick<TrainConfig['textGrpo'], 'clipLow' | 'clipHigh' | 'advantageClip' | 'anchor'>;
  /** 1 / replies of the whole update. */
  readonly share: number;
  readonly asReference?: (<T>(f: () => T) => T) | undefined;
}

/**
 * The log-probabilities of the sampled tokens of several replies, with gradient to the weights.
 *
 * They are those of the policy that drew the replies, softmax(logits / temperature): E[A·∇log p] is the gradient of the
 * expected reward only where p is what was sampled from (Williams 1992, "REINFORCE"). At another temperature the ratio of
 * the clipped loss and the estimator of the divergence would weight samples of one distribution as if they were of another.
 *
 * One difference is left: vocabulary rows beyond the tokenizer's ids are never sampled, but have their share of p here. A
 * head padded to a round size has a few hundred of them; nano has none. Leaving them out would need a copy of the head.
 */
export class ReplyLogProbs {
  readonly #row;
  /** Of the predicted tokens of the row, those that were sampled: an end marker after a cut reply was not. */
  readonly #sampled: tf.Tensor1D;

  constructor(
    private readonly model: UnifiedModel,
    markers: MarkerIds,
    replies: readonly SampledReply[],
    private readonly temperature: number,
  ) {
    const samples: EncodedSample[] = replies.map(({ prompt, ids }, index) => ({
      id: `reply ${index}`,
      items: [
        { kind: 'text', ids: prompt, loss: false, droppable: false },
        { kind: 'text', ids, loss: true, droppable: false },
      ],
    }));
    this.#row = stageRow(
      packRow(
        samples.map((sample) => ({ sample })),
        model.config,
        markers,
      ),
      model.config,
    );
    let at = 0;
    const sampled = replies.flatMap((reply) => {
      const first = at;
      at += reply.ids.length + 1;
      return Array.from({ length: sampledTokens(reply) }, (_, i) => first + i);
    });
    this.#sampled = tf.tensor1d(sampled, 'int32');
  }

  /** [tokens] of all replies, in order */
  values(): tf.Tensor1D {
    return tf.tidy(() => {
      const { ce } = this.model.forwardTrain(this.#row, { times: [], temperature: this.temperature });
      return tf.neg(tf.gather(ce!, this.#sampled)) as tf.Tensor1D;
    });
  }

  dispose(): void {
    this.#row.dispose();
    this.#sampled.dispose();
  }
}

/**
 * Clipped policy loss of replies: ratio and clipping per token, mean over the tokens of a reply, mean over replies
 * (Shao et al. 2024, "DeepSeekMath", eq. 3). The anchor is their estimator of the divergence from the policy that the stage
 * started from, r − log r − 1 with r = p_ref / p (eq. 4).
 */
export function textPolicyPass(
  replies: readonly SampledReply[],
  logProbs: ReplyLogProbs,
  advantages: readonly number[],
  old: tf.Tensor1D | undefined,
  { policy, share, asReference }: TextPolicyOptions,
): Pass {
  const perToken = (value: (reply: number) => number) =>
    tf.tensor1d(replies.flatMap((reply, i) => new Array<number>(sampledTokens(reply)).fill(value(i))));
  const advantage = perToken((i) => advantages[i]!);
  const weight = perToken((i) => share / sampledTokens(replies[i]!));
  return {
    losses: () => {
      const now = logProbs.values();
      const before = old ?? noGrad(() => tf.clone(now));
      const { policyLoss } = grpoLoss(now, before, advantage, policy);
      const sum = (x: tf.Tensor) => tf.sum(tf.mul(x, weight)) as tf.Scalar;
      const reference = asReference && noGrad(() => asReference(() => logProbs.values()));
      const gap = reference && tf.sub(reference, now);
      const kl = gap ? sum(tf.sub(tf.sub(tf.exp(gap), gap), 1)) : tf.scalar(0);
      const anchored =
        policy.anchor.kind === 'kl' ? (tf.mul(kl, policy.anchor.weight) as tf.Scalar) : tf.scalar(0);
      const ratio = tf.exp(tf.sub(now, before));
      const outside = (where: tf.Tensor) => sum(tf.cast(where, 'float32'));
      const learnt = sum(policyLoss);
      const parts = [
        learnt,
        anchored,
        kl,
        outside(tf.greater(ratio, 1 + policy.clipHigh)),
        outside(tf.less(ratio, 1 - policy.clipLow)),
        sum(ratio),
      ];
      return { loss: tf.add(learnt, anchored) as tf.Scalar, parts: tf.stack(parts) as tf.Tensor1D };
    },
    dispose: () => tf.dispose([advantage, weight]),
  };
}
