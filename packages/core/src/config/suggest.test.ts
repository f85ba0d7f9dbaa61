import { describe, expect, it } from 'vitest';
import { editDistance, mostSimilar } from './suggest.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['steps', 'steps', 0],
    ['steps', 'stpes', 1],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['seed', 'speed', 1],
  ])('%s to %s is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe('mostSimilar', () => {
  it('forgives more in longer words and ignores case and underscores', () => {
    expect(mostSimilar('weight_decay', ['decay', 'weightDecay'])).toBe('weightDecay');
    expect(mostSimilar('tokenPerPacks', ['tokensPerPack'])).toBe('tokensPerPack');
    expect(mostSimilar('lr', ['ln', 'xyz'])).toBe('ln');
    expect(mostSimilar('abc', ['xyz'])).toBeUndefined();
  });
});
