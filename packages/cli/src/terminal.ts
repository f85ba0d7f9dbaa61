import type { Readable } from 'node:stream';

/** Where a command reads and writes; tests hand in their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly input: Readable;
  /** True when `out` goes to a terminal that can overwrite a line. */
  readonly isTty: boolean;
  /** True when a person types into `input`. */
  readonly isInteractive: boolean;
  columns(): number;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: process.stdin,
    isTty: process.stdout.isTTY === true && process.env.TERM !== 'dumb',
    isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    columns: () => process.stdout.columns ?? 80,
  };
}

/**
 * Ends the process quietly when the reader of a pipe goes away (`unicharacter inspect … | head`), with the exit code
 * that a shell reports for SIGPIPE.
 */
export function exitOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(141);
      throw error;
    });
  }
}
