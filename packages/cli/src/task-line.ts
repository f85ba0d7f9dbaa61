import type { AskProgress } from '@unicharacter/core';
import { formatSeconds } from './format.js';
import { StatusLine } from './status-line.js';
import type { Terminal } from './terminal.js';

/** Without a terminal a line is printed for every n-th task. */
const PLAIN_EVERY = 25;

/** Progress of an evaluation or annotation on one line of a terminal, or as a plain line now and then. */
export class TaskLine {
  private readonly line: StatusLine;

  constructor(private readonly terminal: Terminal) {
    this.line = new StatusLine(terminal);
  }

  show(run: string, { task, done, total, reused, etaSeconds }: AskProgress): void {
    const text = `${run} ${done}/${total} | ETA ${formatSeconds(etaSeconds)} | ${task.id}${reused ? ' (kept)' : ''}`;
    if (this.terminal.isTty) {
      this.line.show(text);
    } else if (done % PLAIN_EVERY === 0 || done === total) {
      this.terminal.out(`${text}\n`);
    }
  }

  finish(): void {
    this.line.finish();
  }
}
