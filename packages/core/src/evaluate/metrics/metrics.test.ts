import { describe, expect, it } from 'vitest';
import { bleu1, chrf, distinctN, exactMatchNormalised, exactMatchStrict, rougeL, vendi } from './index.js';
import { isChoiceCorrect, selectedChoice } from './multiple-choice.js';
import { normalisedText } from './words.js';

const pair = (hypothesis: string, reference: string) => ({ hypothesis, reference });

describe('text metrics', () => {
  it('normalise articles as whole words only', () => {
    expect(normalisedText('The "theatre": an answer, a.n. other!')).toBe('theatre answer other');
  });

  it('exact match', () => {
    expect(exactMatchStrict(pair(' Red ', 'red'))).toBe(1);
    expect(exactMatchStrict(pair('red', ' red'))).toBe(0);
    expect(exactMatchNormalised(pair('A red hat.', 'red hat'))).toBe(1);
  });

  it('ROUGE-L keeps order: 3 of 4 and 3 of 5 words in sequence', () => {
    expect(rougeL(pair('one two three nine', 'one zero two three four'))).toEqual({
      precision: 3 / 4,
      recall: 3 / 5,
      f1: (2 * 0.75 * 0.6) / 1.35,
    });
    expect(rougeL(pair('', 'x')).f1).toBe(0);
  });

  it('BLEU-1 clips repeated words and punishes short hypotheses', () => {
    expect(bleu1([pair('the the the the', 'the cat is the one')])).toBeCloseTo(0.5 * Math.exp(1 - 5 / 4), 12);
    expect(bleu1([pair('no match', 'at all')])).toBe(0);
  });

  it('chrF of one shared character in two: orders 1 and 2 exist, F2 of (1/2, 1/2) averaged with 0', () => {
    expect(chrf([pair('ab', 'a c')])).toBeCloseTo(0.25, 12);
    expect(chrf([pair('', 'abc')])).toBe(0);
  });

  it('distinct-n does not cross texts', () => {
    expect(distinctN(['a b', 'b a b'], 2)).toBe(2 / 3);
    expect(distinctN(['a'], 2)).toBe(0);
  });

  it('multiple choice: equality, containment, letter, none', () => {
    expect(selectedChoice('The blue one', ['blue one', 'blue'])).toBe(0);
    expect(selectedChoice('it is blue', ['red', 'blue'])).toBe(1);
    expect(selectedChoice('red or blue', ['red', 'blue'])).toBeNull();
    expect(selectedChoice('(b) surely', ['red', 'blue'])).toBe(1);
    expect(selectedChoice('D', ['red', 'blue'])).toBeNull();
    expect(isChoiceCorrect('B', ['The fox', 'a dog'], 'Dog')).toBe(true);
  });

  it('Vendi counts effective items: two pairs of equal vectors are two', () => {
    const { score, eigenvalues } = vendi([1, 0, 1, 0, 0, 1, 0, 1], 4);
    expect(score).toBeCloseTo(2, 12);
    expect([...eigenvalues].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([0.5, 0.5, 0, 0]);
  });
});
