import { expect, it } from 'vitest';
import { databaseFailed } from './failures.js';

const withCode = (code: string) => Object.assign(new Error('x'), { code });

it('failures of the database are told from those of a query', () => {
  const failures = [
    withCode('57P01'),
    withCode('53100'),
    withCode('ECONNREFUSED'),
    new Error('Connection terminated unexpectedly'),
    // What a rollback on a broken line throws in place of the first error.
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('Failed query: SELECT 1', { cause: withCode('08006') }),
  ];
  for (const error of failures) expect(databaseFailed(error), error.message).toBe(true);
  for (const error of [withCode('23505'), new Error('no'), 'text', undefined]) {
    expect(databaseFailed(error)).toBe(false);
  }
});
