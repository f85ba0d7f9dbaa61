import { describe, expect, it } from 'vitest';
import { bootstrapMean } from '../bootstrap.js';
import type { FinishedTask, QuestionTask } from '../tasks/task.js';
import { answerMeasures } from './answers.js';
import { claimsOf } from './claims.js';
import { rightShare } from './pictures.js';
import { replyMeasures } from './replies.js';

const question = (text: string, listed: boolean): FinishedTask<QuestionTask> => ({
  task: {
    kind: 'question',
    family: 'knowledge',
    id: 'q',
    question: 'Where?',
    gold: 'a lighthouse',
    options: ['a windmill', 'a lighthouse'],
    listed,
  },
  result: { text },
});

describe('measures of an evaluation', () => {
  it('bootstrap: known mean, an interval around it, nothing to resample in one value', () => {
    expect(bootstrapMean([0.25], 1)).toEqual({ mean: 0.25, low: 0.25, high: 0.25, n: 1 });
    const coin = Array.from({ length: 100 }, (_, i) => i % 2);
    const { mean, low, high } = bootstrapMean(coin, 1);
    expect(mean).toBe(0.5);
    // The standard error is 0.05, so 95 % lie within 0.098.
    expect(low).toBeCloseTo(0.402, 1);
    expect(high).toBeCloseTo(0.598, 1);
    expect(bootstrapMean(coin, 1)).toEqual({ mean, low, high, n: 100 });
    expect(() => bootstrapMean([], 1)).toThrow(RangeError);
  });

  it('answers: exact, right option named, choice by letter', () => {
    const measures = answerMeasures([
      question('Lighthouse.', false),
      question('In a lighthouse by the sea', false),
      question('a lighthouse or a windmill', false),
      question('B', true),
      question('A. a windmill', true),
    ]);
    expect(measures.map(({ name, values }) => [name, values])).toEqual([
      ['knowledge.exact', [1, 0, 0]],
      ['knowledge.named', [1, 1, 0]],
      ['knowledge.choice', [1, 0]],
    ]);
  });

  it('reads what a reply claims, and leaves out what it says twice or not at all', () => {
    expect(
      claimsOf('Tally ho! I am waving by the lake at night under a clear sky with my red balloon.'),
    ).toEqual({
      place: 'lake',
      time: 'night',
      weather: 'clear',
      pose: 'waving',
      object: 'balloon',
    });
    expect(claimsOf('In the forest, or in the kitchen, I feel sad with a cup of tea.')).toEqual({
      expression: 'sad',
      object: 'cup',
    });
    expect(claimsOf('Hello!')).toEqual({});
  });

  it('counts right attributes of look and scene apart', () => {
    const reading = { species: 'fox', colour: 'red', place: 'lake', time: 'night' } as Parameters<
      typeof rightShare
    >[0];
    const shown = { species: 'fox', colour: 'blue', place: 'lake' };
    expect(rightShare(reading, shown, 'look')).toBe(0.5);
    expect(rightShare(reading, shown, 'scene')).toBe(1);
    expect(rightShare(reading, { species: 'fox' }, 'scene')).toBeUndefined();
  });

  it('finds markers of style as whole words only', () => {
    const replies = ['Tally ho! I sail, sailor.', 'Hello, sailors all.'].map((text, i) => ({
      task: { kind: 'reply', family: 'replies', id: `r${i}`, set: 'dialogue', user: 'Hi', seed: 1 } as const,
      result: { text },
    }));
    const style = { person: 'first', register: 'wise', opener: 'Tally ho!', address: 'sailor' };
    const measures = replyMeasures(replies, { name: 'Alma', classifier: undefined, style });
    expect(measures.find(({ name }) => name === 'replies.markers')?.values).toEqual([1, 0]);
    expect(measures.map(({ name }) => name)).toEqual(['replies.markers', 'replies.distinct2']);
  });
});
