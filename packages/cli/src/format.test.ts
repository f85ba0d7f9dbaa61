import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatSeconds, formatTable, formatValue, printable } from './format.js';

describe('formatting', () => {
  it('writes times in two units', () => {
    expect([0.4, 59.6, 75, 3600, 7325].map(formatSeconds)).toEqual([
      '0s',
      '1m 00s',
      '1m 15s',
      '1h 00m',
      '2h 02m',
    ]);
    expect(formatSeconds(Number.POSITIVE_INFINITY)).toBe('?');
  });

  it('writes sizes and counts with a unit', () => {
    expect([1, 2 ** 20, 412 * 2 ** 20, 1.5 * 2 ** 30].map(formatBytes)).toEqual([
      '1 KiB',
      '1 MiB',
      '412 MiB',
      '1.5 GiB',
    ]);
    expect([812, 13_800, 7.6e6, 1.4e10].map(formatCount)).toEqual(['812', '13.8k', '7.6M', '14.0B']);
  });

  it('keeps three places of a loss', () => {
    expect([123.4, 12.34, 1.8423, 0.0834, 0.00001, 0, Number.NaN].map(formatValue)).toEqual([
      '123',
      '12.3',
      '1.842',
      '0.0834',
      '1.0e-5',
      '0.0000',
      'NaN',
    ]);
  });

  it('aligns columns', () => {
    expect(
      formatTable([
        ['task', 'samples'],
        ['dialogue', '5'],
      ]),
    ).toBe('task      samples\ndialogue        5');
  });

  it('takes control characters out of model text, but keeps line breaks', () => {
    expect(printable('a\u001b[31mb\r\nc\td\u0007')).toBe('a[31mb\nc\td');
  });
});
