/** PostgreSQL's classes of trouble that pass: connection (08), resources such as a full disk (53), shutdown (57P). */
const PASSING = /^(08|53|57P)/;
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN']);
const BROKEN =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable/i;

/** True when a query failed because of the database, not because of what it asked. */
export function databaseFailed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  return (
    syscall === 'connect' ||
    PASSING.test(code) ||
    UNREACHABLE.has(code) ||
    BROKEN.test(error.message) ||
    databaseFailed(error.cause)
  );
}
