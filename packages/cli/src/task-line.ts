import type { TaskProgress } from '@unicharacter/core';
import { formatSeconds } from './format.js';
import type { Terminal } from './terminal.js';

/** Without a terminal a line is printed for every n-th task. */
const PLAIN_EVERY = 25;

/** Progress of an evaluation on one line of a terminal, or as a plain line now and then. */
export class TaskLine {
  private shown = false;

  constructor(private readonly terminal: Terminal) {}

  show(run: string, { task, done, total, reused, etaSeconds }: TaskProgress): void {
    const text = `${run} ${done}/${total} | ETA ${formatSeconds(etaSeconds)} | ${task.id}${reused ? ' (kept)' : ''}`;
    if (this.terminal.isTty) {
      this.terminal.out(`\r\u001b[K${text.slice(0, this.terminal.columns() - 1)}`);
      this.shown = true;
    } else if (done % PLAIN_EVERY === 0 || done === total) {
      this.terminal.out(`${text}\n`);
    }
  }

  finish(): void {
    if (this.shown) this.terminal.out('\n');
    this.shown = false;
  }
}
