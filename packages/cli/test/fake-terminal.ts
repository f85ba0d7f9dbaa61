import { Readable } from 'node:stream';
import type { Terminal } from '../src/terminal.js';

/** A terminal that records what is printed. */
export class FakeTerminal implements Terminal {
  readonly input: Readable;
  readonly isInteractive = false;
  stdout = '';
  stderr = '';

  constructor(
    readonly isTty = false,
    private readonly width = 80,
    input = '',
  ) {
    this.input = Readable.from([input]);
  }

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }

  columns(): number {
    return this.width;
  }
}
