import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, expectNoLeaks, tiny, tinyModels, tokenizer } from '../../test/tiny-model.js';
import { ContextLengthError, emptyContext, feedRows, feedTokens } from '../model/index.js';
import type { GenerationModels } from './contexts.js';
import { answer, draw } from './requests.js';
import { generateText, Scheduler } from './scheduler.js';
import type { TextOptions } from './text-row.js';
import { AbortedError } from './turns.js';

let models: GenerationModels & { scheduler: Scheduler };
beforeAll(() => {
  const own = tinyModels();
  models = { ...own, scheduler: new Scheduler(own) };
});
expectNoLeaks();
afterAll(() => disposeTinyModels(models));

const alone = () => ({ model: models.model, vae: models.vae, tokenizer });
const prompts = [
  'hello',
  'what is the weather like on the other side of the pond?',
  'a',
  'tell me more of it',
];
const optionsOf = (i: number): TextOptions => ({
  maxTokens: 6 + 3 * i,
  seed: 40 + i,
  ...(i === 2 ? {} : { temperature: 1 + i, topP: 0.95 }),
});

describe('feedRows', () => {
  it('gives every row what it gets alone, with pages shared by forks', () => {
    const base = emptyContext(models.model);
    feedTokens(models.model, base, [1, 2, 3, 4, 5]).dispose();
    const contexts = [base, base.fork(), base.forkEmpty(), base.fork()];
    feedTokens(
      models.model,
      contexts[2]!,
      Array.from({ length: 64 }, (_, i) => i),
    ).dispose();
    const copies = contexts.map((context) => context.fork());
    for (const step of [0, 1]) {
      const ids = [7, 8, 9, 10].map((id) => id + step);
      const rows = feedRows(models.model, contexts, ids);
      const single = tf.tidy(() =>
        tf.concat(copies.map((copy, i) => feedTokens(models.model, copy, [ids[i]!]))),
      );
      const [found, expected] = [rows.dataSync(), single.dataSync()];
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
      tf.dispose([rows, single]);
    }
    expect(contexts.map(({ length, ropePosition }) => [length, ropePosition])).toEqual([
      [7, 7],
      [7, 7],
      [66, 66],
      [7, 7],
    ]);
    for (const context of [...contexts, ...copies]) context.dispose();
  });

  it('refuses contexts of several pools', () => {
    const contexts = [emptyContext(models.model), emptyContext(models.model)];
    expect(() => feedRows(models.model, contexts, [1, 2])).toThrow(/one pool/);
    for (const context of contexts) context.dispose();
  });
});

describe('texts decoded together', () => {
  it('are those decoded alone, whoever joins and leaves', async () => {
    const ask = (own: GenerationModels, i: number) =>
      answer(own, [{ kind: 'text', text: prompts[i]! }], optionsOf(i));
    const single = [];
    for (const i of prompts.keys()) single.push(await ask(alone(), i));
    const sizes: number[] = [];
    const together = prompts.map((_, i) =>
      answer(models, [{ kind: 'text', text: prompts[i]! }], {
        ...optionsOf(i),
        onToken: () => sizes.push(models.scheduler.batch),
      }),
    );
    expect(await Promise.all(together)).toEqual(single);
    expect(single.map(({ ids }) => ids.length)).toEqual([6, 9, 12, 15]);
    // All four went on together; the longest was alone at the end.
    expect([Math.max(...sizes), sizes.at(-1)]).toEqual([4, 1]);
    expect(models.scheduler.batch).toBe(0);
  });

  it('end one by one when asked to, without disturbing the others', async () => {
    const stop = new AbortController();
    const items = [{ kind: 'text', text: 'hello' } as const];
    const options = { maxTokens: 12, temperature: 3, seed: 5 };
    const expected = await answer(alone(), items, options);
    const leaving = answer(models, items, { ...options, maxTokens: 500, signal: stop.signal });
    const broken = answer(models, items, {
      ...options,
      onToken: () => {
        throw new Error('nobody listens');
      },
    });
    let heard = 0;
    const staying = answer(models, items, {
      ...options,
      onToken: () => void (++heard === 4 && stop.abort()),
    });
    const results = await Promise.allSettled([leaving, broken, staying]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await expect(leaving).rejects.toThrow(AbortedError);
    await expect(broken).rejects.toThrow('nobody listens');
    expect(await staying).toEqual(expected);
  });

  it('leave when their positions run out', async () => {
    const full = models.scheduler.emptyContext();
    const short = models.scheduler.emptyContext();
    full.ropePosition = tiny.llm.maxPositions - 3;
    const results = await Promise.allSettled(
      [full, short].map((context) => models.scheduler.write(context, { maxTokens: 8, temperature: 2 })),
    );
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect((results[0] as PromiseRejectedResult).reason).toBeInstanceOf(ContextLengthError);
    for (const context of [full, short]) context.dispose();
  });

  it('go on while pictures are drawn, and drawings take turns', async () => {
    const order: string[] = [];
    const picture = (name: string) =>
      draw(models, [{ kind: 'text', text: name }], {
        width: 32,
        height: 32,
        steps: 6,
        onStep: () => order.push(name),
      });
    const [a, b] = [picture('a'), picture('b')];
    const text = answer(models, [{ kind: 'text', text: 'hello' }], {
      maxTokens: 5,
      temperature: 3,
      onToken: () => order.push('.'),
    });
    await Promise.all([a, b, text]);
    const drawing = order.filter((event) => event !== '.').join('');
    expect(drawing).toBe('ababababab');
    // No two drawing steps without a word between them while words are to come.
    expect(order.slice(0, order.lastIndexOf('.') + 1).join('')).toMatch(/^[ab]{0,3}(\.[ab]?)*$/);
  });
});

describe('a text that begins with given words', () => {
  it('goes on as it would have by itself', async () => {
    const contexts = [emptyContext(models.model), emptyContext(models.model)];
    const options = { maxTokens: 10, seed: 1 };
    const whole = await generateText(models.model, contexts[0]!, tokenizer, options);
    const begin = tokenizer.decode(whole.ids.slice(0, 4));
    // Words that the tokenizer cuts as the model said them.
    expect(tokenizer.encode(begin)).toEqual(whole.ids.slice(0, 4));
    const rest = await generateText(models.model, contexts[1]!, tokenizer, {
      ...options,
      maxTokens: 6,
      begin,
    });
    expect(rest.ids).toEqual(whole.ids.slice(4));
    for (const context of contexts) context.dispose();
  });

  it('tells probabilities of what it chose', async () => {
    const context = emptyContext(models.model);
    const seen: { id: number; logprob?: number; top?: readonly { id: number; logprob: number }[] }[] = [];
    const { ids } = await generateText(models.model, context, tokenizer, {
      maxTokens: 4,
      logprobs: 3,
      onToken: (_, token) => token && seen.push(token),
    });
    context.dispose();
    expect(seen.map(({ id }) => id)).toEqual(ids);
    for (const { id, logprob, top } of seen) {
      // Greedy: what was chosen is the likeliest.
      expect(top).toHaveLength(3);
      expect(top?.[0]).toEqual({ id, logprob });
      const shares = top!.map((entry) => Math.exp(entry.logprob));
      expect([...shares].sort((x, y) => y - x)).toEqual(shares);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(1);
    }
  });
});
