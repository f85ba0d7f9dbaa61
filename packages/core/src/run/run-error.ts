/**
 * A run folder that cannot be used or written. The message says what was expected, what was found, in which file, and
 * what to do about it.
 */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** The error code of a failed system call (`ENOSPC`, `EACCES` …) at the root of an error, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : systemCode(error.cause);
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device; free some space',
  EDQUOT: 'the disk quota is used up; free some space',
  EACCES: 'permission denied; choose a folder that you may write to',
  EPERM: 'the operation is not permitted; choose a folder that you may write to',
  EROFS: 'the file system is read-only; choose another folder',
  EEXIST: 'a file has this name; choose another folder',
  ENOTDIR: 'a part of the path is a file, not a folder; choose another folder',
};

/** A {@link RunError} for a failed write of `what` at `path`, with what to do about it. Keeps the cause. */
export function writeFailure(what: string, path: string, error: unknown): RunError {
  const code = systemCode(error);
  const reason = (code && CAUSES[code]) ?? (error instanceof Error ? error.message : String(error));
  return new RunError(`cannot write ${what} to ${path}: ${reason}`, { cause: error });
}
