import { describe, expect, it } from 'vitest';
import { collect, defined, integer, machineRates, number, size } from './options.js';

describe('option parsers', () => {
  it('reads whole numbers in a range', () => {
    expect(integer(1)('60')).toBe(60);
    for (const text of ['0', '-1', '1.5', 'x', '', '1e99'])
      expect(() => integer(1)(text)).toThrow('whole number from 1');
  });

  it('reads numbers in a range', () => {
    expect(number(0, 2)('0.7')).toBe(0.7);
    for (const text of ['2.1', '-0.1', '', 'NaN']) expect(() => number(0, 2)(text)).toThrow('from 0 to 2');
  });

  it('reads one side or both', () => {
    expect(size('64')).toEqual({ width: 64, height: 64 });
    expect(size('96x64')).toEqual({ width: 96, height: 64 });
    for (const text of ['0', '64x', 'big', '64x0', '-64']) expect(() => size(text)).toThrow('WIDTHxHEIGHT');
  });

  it('reads the rates of a machine', () => {
    expect(machineRates('350e12,1.4e12')).toEqual({
      learning: 350e12,
      drawing: 350e12,
      weightReads: 1.4e12,
    });
    for (const text of ['350e12', '0,1', 'x,1', '1,2,3'])
      expect(() => machineRates(text)).toThrow('two numbers');
  });

  it('gathers repeated options in order', () => {
    expect(collect('b', collect('a', []))).toEqual(['a', 'b']);
  });

  it('leaves undefined members out', () => {
    expect(Object.keys(defined({ a: 1, b: undefined }))).toEqual(['a']);
  });
});
