import type { Terminal } from './terminal.js';

/** One line at the bottom of a terminal that is overwritten in place. */
export class StatusLine {
  private shown = false;

  constructor(private readonly terminal: Terminal) {}

  show(text: string): void {
    this.terminal.out(`\r\u001b[K${text.slice(0, this.terminal.columns() - 1)}`);
    this.shown = true;
  }

  /** Leaves the last state on the screen. */
  finish(): void {
    if (this.shown) this.terminal.out('\n');
    this.shown = false;
  }
}
