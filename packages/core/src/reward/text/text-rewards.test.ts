import { describe, expect, it } from 'vitest';
import type { TextRewardSample } from '../reward-model.js';
import { forbiddenWordsReward } from './forbidden-words-reward.js';
import { lengthReward } from './length-reward.js';
import { type SpokenLine, trainPersonaClassifier } from './persona-classifier.js';
import { personaReward } from './persona-reward.js';
import { repetitionReward } from './repetition-reward.js';

const said = (reply: string, rest: Partial<TextRewardSample> = {}): TextRewardSample => ({
  character: 'Pip',
  prompt: 'Hello?',
  reply,
  group: 0,
  ...rest,
});

const things = ['the boat', 'my hat', 'a storm', 'the tea', 'an owl', 'this map', 'that bell', 'our lamp'];
const lines: SpokenLine[] = things.flatMap((thing, i) => [
  { character: 'Pip', text: `Oh!! ${thing}?! Hooray, let's go${'!'.repeat(1 + (i % 3))}` },
  { character: 'Pip', text: `Wheee, I looove ${thing}!!` },
  { character: 'Mr. Grey', text: `One must consider ${thing} with due care, I should think.` },
  { character: 'Mr. Grey', text: `Regrettably, ${thing} is not what it was.` },
]);

describe('persona', () => {
  const classifier = trainPersonaClassifier(lines);

  it('tells characters apart by style on words that neither has said', async () => {
    const reward = personaReward(classifier);
    const { values, details } = await reward.score([
      said('Wow!! Pancakes?! Hooray!'),
      said('I should think pancakes require due care.'),
      said('I should think pancakes require due care.', { character: 'Mr. Grey' }),
    ]);
    expect(values[0]).toBeGreaterThan(0.8);
    expect(values[1]).toBeLessThan(0.2);
    expect(values[2]).toBeCloseTo(1 - values[1]!, 12);
    expect(details[1]).toMatchObject({ likeliest: 'Mr. Grey' });
  });

  it('is the same every time and says how it was made', () => {
    const again = trainPersonaClassifier([...lines]);
    expect(again.probabilities('Hello there.')).toEqual(classifier.probabilities('Hello there.'));
    expect(classifier.provenance).toMatchObject({ lineCount: 32, heldOutLines: 6, heldOutAccuracy: 1 });
    expect(trainPersonaClassifier(lines.slice(1)).provenance.lines).not.toBe(classifier.provenance.lines);
  });

  it('needs somebody to tell the character from', () => {
    const pip = lines.filter(({ character }) => character === 'Pip');
    expect(() => trainPersonaClassifier(pip)).toThrow('at least two characters, found 1');
    expect(() => trainPersonaClassifier([...pip, lines[2]!, lines[2]!])).toThrow(
      'lines of "Mr. Grey", found 1',
    );
  });

  it('knows only its own characters', async () => {
    await expect(personaReward(classifier).score([said('Hi', { character: 'Zed' })])).rejects.toThrow(
      'persona: sample 0: expected one of "Mr. Grey", "Pip", found "Zed"',
    );
  });
});

describe('rules', () => {
  it('length: flat inside the window, linear outside, bounded', async () => {
    const reward = lengthReward({ min: 2, max: 4 });
    const replies = ['', 'one', 'one two', 'one two three four', 'a b c d e', 'a b c d e f g h i j'];
    expect([...(await reward.score(replies.map((text) => said(text)))).values]).toEqual([
      -1, -0.5, 0, 0, -0.25, -1,
    ]);
    expect(() => lengthReward({ min: 5, max: 4 })).toThrow('found min 5 and max 4');
  });

  it('forbidden words: whole words and phrases, without case and punctuation', async () => {
    const reward = forbiddenWordsReward(['as an AI', 'cat']);
    const { values, details } = await reward.score([
      said('Well, as an A.I. I cannot'),
      said('As an AI -- I cannot'),
      said('A category of its own'),
      said('Cat!'),
    ]);
    expect([...values]).toEqual([0, -1, 0, -1]);
    expect(details[1]).toEqual({ forbidden: ['as an AI'] });
    expect(() => forbiddenWordsReward(['!?'])).toThrow('expected a phrase with words, found "!?"');
  });

  it('repetition: loops, the user and earlier turns', async () => {
    const reward = repetitionReward(2);
    const { values } = await reward.score([
      said('a b a b a b'),
      said('fresh words every time'),
      said('tell me more now', { prompt: 'Tell me more!' }),
      said('good night friend', { history: [{ role: 'machine', text: 'Good night, friend.' }] }),
      said('short'),
    ]);
    // "a b" and "b a" are new once: 3 of 5 pairs are repetitions.
    expect([...values]).toEqual([-3 / 5, 0, -2 / 3, -1, 0]);
  });
});
