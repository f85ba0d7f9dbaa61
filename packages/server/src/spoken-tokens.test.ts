import { expect, it } from 'vitest';
import { chatLogprobs, TokensInText } from './spoken-tokens.js';

const token = (bytes: number[]) => ({ bytes, logprob: -1, top: [] });

it('tokens come with the text that they begin in, also when it was held back or is part of a character', () => {
  const tokens = new TokensInText();
  const snowman = Buffer.from('☃');
  tokens.push('ab', token([97, 98]));
  expect(tokens.before(1).map(({ start }) => start)).toEqual([0]);
  tokens.push('', token([...snowman.subarray(0, 2)]));
  expect(tokens.before(2)).toEqual([]);
  tokens.push('☃c', token([snowman[2]!, 99]));
  const both = tokens.before(4);
  expect(both.map(({ start }) => start)).toEqual([2, 2]);
  expect(chatLogprobs(both).content.map((entry) => entry.token)).toEqual(['\\xe2\\x98', '\\x83\\x63']);
  // The rest of an unfinished character comes without a token.
  tokens.push('', token([0xe2]));
  tokens.push('\ufffd', undefined);
  expect(tokens.before(Number.POSITIVE_INFINITY)).toHaveLength(1);
});
