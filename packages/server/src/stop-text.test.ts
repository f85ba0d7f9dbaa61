import { describe, expect, it } from 'vitest';
import { StopText } from './stop-text.js';

/** What a client sees of `pieces`, piece by piece. */
function shown(stops: string[], pieces: string[]): string[] {
  const stopText = new StopText(stops);
  return [...pieces.map((piece) => stopText.push(piece)), stopText.finish()];
}

describe('StopText', () => {
  it('passes text through when there is nothing to stop at', () => {
    expect(shown([], ['ab', 'c'])).toEqual(['ab', 'c', '']);
  });

  it('cuts at the first stop sequence, wherever the pieces are split', () => {
    const text = 'Hello there\nUser: hi';
    for (let at = 1; at < text.length; at++) {
      const pieces = [text.slice(0, at), text.slice(at)];
      expect(shown(['\nUser:', 'zzz'], pieces).join('')).toBe('Hello there');
    }
  });

  it('holds back what may become a stop sequence and releases it when it does not', () => {
    expect(shown(['<end>'], ['a<e', 'nd', 'ure'])).toEqual(['a', '', '<endure', '']);
    expect(shown(['<end>'], ['a<en'])).toEqual(['a', '<en']);
  });

  it('takes the earliest of several stop sequences', () => {
    expect(shown(['three', 'two'], ['one two three'])).toEqual(['one ', '']);
  });

  it('drops everything after the stop', () => {
    const stopText = new StopText(['.']);
    expect(stopText.push('Hi. More')).toBe('Hi');
    expect(stopText.stopped).toBe(true);
    expect(stopText.push(' even more')).toBe('');
    expect(stopText.finish()).toBe('');
  });
});
