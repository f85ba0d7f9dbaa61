import { describe, expect, it } from 'vitest';
import { someQuestions } from './image-prompts.js';

const sample = {
  prompt: 'waving',
  questions: Array.from({ length: 9 }, (_, i) => ({ question: `q${i}`, answer: 'yes', weight: i })),
};
const asked = (most: number, epoch: number, index = 0) =>
  someQuestions(sample, most, { seed: 1, epoch, index }).questions.map(({ question }) => question);

describe('someQuestions', () => {
  it('asks other questions in other epochs and groups, each once, and in the end all of them', () => {
    expect(new Set(asked(4, 0)).size).toBe(4);
    expect(asked(4, 0)).toEqual(asked(4, 0));
    expect(asked(4, 1)).not.toEqual(asked(4, 0));
    expect(asked(4, 0, 1)).not.toEqual(asked(4, 0));
    const seen = Array.from({ length: 20 }, (_, epoch) => asked(4, epoch)).flat();
    expect(new Set(seen).size).toBe(9);
  });

  it('asks all where there are not more, or when told', () => {
    expect(asked(0, 3)).toHaveLength(9);
    expect(someQuestions(sample, 9, { seed: 1, epoch: 0, index: 0 })).toBe(sample);
  });
});
