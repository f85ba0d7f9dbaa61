/** Exit codes of the command, also stated in `unicharacter --help`. */
export const ExitCode = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** The command was called in a way that cannot work; the message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The user pressed Ctrl-C; `message` says what was saved and how to go on. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Errors that the user mends by changing the command, the configuration or the data. */
const INPUT_ERRORS = new Set([
  'UsageError',
  'ConfigError',
  'ApiError',
  'DataError',
  'ImageError',
  'ModelConfigError',
  'RunError',
  'SafetensorsError',
  'StateError',
  'TokenizerError',
  'TrainError',
  'UnsafeBindError',
  'WeightsError',
]);

const WRITE_FAILURES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG']);

export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) return ExitCode.interrupted;
  if (!(error instanceof Error) || writeFailed(error)) return ExitCode.failure;
  return INPUT_ERRORS.has(error.name) ? ExitCode.usage : ExitCode.failure;
}

/** A full or unwritable disk lies behind it: nothing is wrong with the command or the data. */
function writeFailed(error: Error): boolean {
  if ('code' in error && WRITE_FAILURES.has(String(error.code))) return true;
  return error.cause instanceof Error && writeFailed(error.cause);
}

/** One message for the terminal; the stack and the causes only when asked for. */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (!verbose) return error.message;
  const cause = error.cause instanceof Error ? `\ncaused by ${describeError(error.cause, true)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
