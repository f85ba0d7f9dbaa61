import { describe, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.js';
import { trainBpe } from './train-bpe.js';

describe('trainBpe', () => {
  it('merges the most frequent pair first, the older one among equals', () => {
    const text = [
      'hug\n'.repeat(10),
      ' pug\n'.repeat(5),
      ' pun\n'.repeat(12),
      ' bun\n'.repeat(4),
      ' hugs\n'.repeat(5),
    ];
    const { merges } = trainBpe(text.join(''), 261 + 5).model;
    // Counts when chosen: u g 20, " " p 17, u n 16, h ug 15, " p" un 12.
    expect(merges).toEqual([
      ['u', 'g'],
      ['Ġ', 'p'],
      ['u', 'n'],
      ['h', 'ug'],
      ['Ġp', 'un'],
    ]);
  });

  it('never merges across pieces and handles runs of one character', () => {
    const { merges } = trainBpe('aaaa aaaa', 261 + 10).model;
    expect(merges).toEqual([
      ['a', 'a'],
      ['aa', 'aa'],
    ]);
  });

  it('lays tokens out as bytes, merges, control tokens', () => {
    const json = trainBpe('the theme of the thesis', 264);
    expect(json.model.vocab['!']).toBe(0);
    expect(json.model.vocab.Ġ).toBe(220);
    expect(json.model.vocab[(json.model.merges[0] as [string, string]).join('')]).toBe(256);
    expect(json.added_tokens.map(({ content, id, special }) => [content, id, special])).toEqual([
      ['<|endoftext|>', 259, true],
      ['<|im_start|>', 260, true],
      ['<|im_end|>', 261, true],
      ['<|vision_start|>', 262, true],
      ['<|vision_end|>', 263, true],
    ]);
    expect(createTokenizer('trained', json).size).toBe(264);
  });

  it('stops when no pair occurs twice, and refuses a size without room', () => {
    expect(trainBpe('abc', 400).model.merges).toEqual([]);
    expect(trainBpe('ab ab', 400).model.merges).toEqual([['a', 'b']]);
    expect(() => trainBpe('abc', 260)).toThrow('expected a size of at least 261, found 260');
    expect(() => trainBpe('abc', Number.NaN)).toThrow(RangeError);
  });
});
