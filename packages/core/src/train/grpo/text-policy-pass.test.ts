import { noGrad, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, expectNoLeaks, tinyModels, tokenizer } from '../../../test/tiny-model.js';
import { answer, type GenerationModels, readText } from '../../generate/index.js';
import { emptyContext, feedTokens, HEAD_NAME, inferLogits } from '../../model/index.js';
import { ReplyLogProbs, type SampledReply } from './text-policy-pass.js';

const prompts = ['hello', 'what is on the other side of the pond?'];

let models: GenerationModels;
beforeAll(() => {
  models = tinyModels();
  // Fresh heads find all tokens about equally likely, at every temperature and after every prompt.
  const head = models.model.variables().get(HEAD_NAME) as tf.Variable;
  tf.tidy(() => head.assign(tf.randomNormal(head.shape, 0, 0.5, 'float32', 1)));
});
expectNoLeaks();
afterAll(() => disposeTinyModels(models));

/** Replies drawn by cached decoding, and the log-probability of each token as decoding tells it (at temperature 1). */
async function spoken(temperature: number): Promise<{ replies: SampledReply[]; told: number[] }> {
  const told: number[] = [];
  const replies: SampledReply[] = [];
  for (const [seed, text] of prompts.entries()) {
    const { ids, finish } = await answer(models, [{ kind: 'text', text }], {
      temperature,
      maxTokens: 8 + 5 * seed,
      seed,
      logprobs: 0,
      onToken: (_, token) => token && told.push(token.logprob!),
    });
    replies.push({ prompt: tokenizer.encode(text), ids, ended: finish === 'stop' });
  }
  return { replies, told };
}

function scored(replies: readonly SampledReply[], temperature: number): number[] {
  const logProbs = new ReplyLogProbs(models.model, tokenizer.special, replies, temperature);
  try {
    return tf.tidy(() => Array.from(noGrad(() => logProbs.values()).dataSync<'float32'>()));
  } finally {
    logProbs.dispose();
  }
}

/** The same from the logits of decoding, in plain arithmetic; the end marker of replies that ended included. */
function expected(replies: readonly SampledReply[], temperature: number): number[] {
  const { bos, eos } = tokenizer.special;
  return replies.flatMap(({ ids, ended }, i) => {
    const context = emptyContext(models.model);
    readText(models, context, prompts[i]!);
    const labels = ended ? [...ids, eos] : ids;
    const rows = tf.tidy(() => {
      const hidden = feedTokens(models.model, context, [bos, ...labels.slice(0, -1)]);
      return inferLogits(models.model, hidden).arraySync();
    });
    context.dispose();
    return labels.map((label, at) => {
      const scaled = rows[at]!.map((logit) => logit / temperature);
      const top = Math.max(...scaled);
      return scaled[label]! - top - Math.log(scaled.reduce((sum, value) => sum + Math.exp(value - top), 0));
    });
  });
}

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i]!, 3);
}

describe('log-probabilities of replies', () => {
  it('are those that decoding told when it drew them at temperature 1', async () => {
    const { replies, told } = await spoken(1);
    expect(told).toHaveLength(8 + 13);
    // Unequal enough for a shifted label or a forgotten prompt to show.
    expect(Math.max(...told) - Math.min(...told)).toBeGreaterThan(2);
    expectClose(scored(replies, 1), told);
  });

  it.each([0.7, 1, 1.6])('are those of the policy at temperature %d', async (temperature) => {
    const { replies } = await spoken(temperature);
    const ended = replies.map((reply, i) => ({ ...reply, ended: i === 0 }));
    const found = scored(ended, temperature);
    expect(found).toHaveLength(8 + 1 + 13);
    expectClose(found, expected(ended, temperature));
  });

  it('have the gradient that a finite difference finds at temperature 0.7', async () => {
    const { replies } = await spoken(0.7);
    const head = models.model.variables().get(HEAD_NAME) as tf.Variable;
    const logProbs = new ReplyLogProbs(models.model, tokenizer.special, replies, 0.7);
    const total = () => tf.sum(logProbs.values()) as tf.Scalar;
    const { value, grads } = tf.variableGrads(total, [head]);
    // Along its own gradient the sum rises by the squared norm: a central difference has to find the same.
    const [slope, measured] = tf.tidy(() => {
      const gradient = grads[head.name]!;
      const norm = tf.norm(gradient).dataSync<'float32'>()[0]!;
      const start = tf.clone(head) as tf.Tensor;
      const at = (step: number) => {
        head.assign(tf.add(start, tf.mul(gradient, step / norm)));
        return noGrad(total).dataSync<'float32'>()[0]!;
      };
      const found = (at(0.02) - at(-0.02)) / 0.04;
      head.assign(start);
      return [norm, found];
    });
    tf.dispose([value, ...Object.values(grads)]);
    logProbs.dispose();
    expect(measured! / slope!).toBeCloseTo(1, 1);
  });
});
