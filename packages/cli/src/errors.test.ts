import { ConfigError, DataError, ImageError, RunError, TrainError, WeightsError } from '@unicharacter/core';
import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf, InterruptedError, UsageError } from './errors.js';

const problem = { file: 'f', expected: 'a', found: 'b', advice: 'c' };

describe('exitCodeOf', () => {
  it('knows every error that the user can mend', () => {
    const errors = [
      new UsageError(''),
      new ConfigError([]),
      new DataError(problem),
      new ImageError(''),
      new RunError(''),
      new TrainError(''),
      new WeightsError(''),
    ];
    expect(errors.map(exitCodeOf)).toEqual(errors.map(() => 2));
  });

  it('tells failures and interruptions from them', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(exitCodeOf(new RunError('cannot write', { cause: full }))).toBe(1);
    expect(exitCodeOf(new TypeError('bug'))).toBe(1);
    expect(exitCodeOf('text')).toBe(1);
    expect(exitCodeOf(new InterruptedError(''))).toBe(130);
  });
});

describe('describeError', () => {
  it('shows stack and causes only when asked', () => {
    const error = new RunError('cannot write', { cause: new Error('the disk is full') });
    expect(describeError(error, false)).toBe('cannot write');
    const verbose = describeError(error, true);
    expect(verbose).toContain('    at ');
    expect(verbose).toContain('caused by Error: the disk is full');
  });
});
