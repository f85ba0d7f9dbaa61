import { describe, expect, it } from 'vitest';
import { answerSimilarity, consistencyReward } from './consistency-reward.js';
import type { RewardSample } from './reward-model.js';

const image = { width: 1, height: 1, data: new Float32Array(3) };
const sample = (rest: Partial<RewardSample>): RewardSample => ({
  image,
  prompt: 'a red boat',
  group: 0,
  questions: [],
  ...rest,
});

const answers: Record<string, string> = {
  'Colour?': 'It is red.',
  'What?': 'a boat',
  'Where?': 'under the sea',
};
const ask = (_: unknown, question: string) => answers[question] ?? 'a red boat at sea';

describe('consistencyReward', () => {
  const questions = [
    { question: 'Colour?', answer: 'red', weight: 3 },
    { question: 'What?', answer: 'The boat', weight: 1 },
  ];

  it('weighs answers against gold answers', async () => {
    const exact = await consistencyReward(ask, { match: 'exact' }).score([sample({ questions })]);
    expect([...exact.values]).toEqual([1 / 4]);
    expect(exact.details[0]).toEqual({
      answers: [
        { question: 'Colour?', answer: 'It is red.', gold: 'red', similarity: 0 },
        { question: 'What?', answer: 'a boat', gold: 'The boat', similarity: 1 },
      ],
    });
    // "it is red" against "red": precision 1/3, recall 1, F1 1/2.
    const soft = await consistencyReward(ask).score([sample({ questions })]);
    expect(soft.values[0]).toBeCloseTo((3 * 0.5 + 1) / 4, 12);
  });

  it('weighs answers against the reply, with a question of its own where the prompt has none', async () => {
    const reward = consistencyReward(ask, { compareWith: 'reply' });
    const { values } = await reward.score([
      sample({ reply: 'Look, my red boat!' }),
      sample({ reply: 'It is under the table', questions: [{ question: 'Where?', answer: '', weight: 1 }] }),
    ]);
    // "red boat at sea" holds 2 of 4 words of the reply; "under sea" 1 of 2 (articles do not count).
    expect([...values]).toEqual([2 / 4, 1 / 2]);
  });

  it('never defaults: no questions, or no reply, is an error', async () => {
    await expect(consistencyReward(ask).score([sample({})])).rejects.toThrow(
      '("a red boat") has no question',
    );
    await expect(consistencyReward(ask, { compareWith: 'reply' }).score([sample({})])).rejects.toThrow(
      'no reply',
    );
  });

  it('compares after normalisation', () => {
    expect(answerSimilarity('The red hat.', 'red hat', 'exact')).toBe(1);
    expect(answerSimilarity('', 'red', 'rouge_l')).toBe(0);
  });
});
