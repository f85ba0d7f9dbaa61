import type { StepEvent } from '@unicharacter/core';
import { formatBytes, formatCount, formatSeconds, formatValue } from './format.js';
import { StatusLine } from './status-line.js';
import type { Terminal } from './terminal.js';

/** Without a terminal a line is printed at most this often (seconds), so that logs stay short. */
const PLAIN_INTERVAL = 2;

/**
 * The one line that says how training goes. On a terminal it is overwritten in place, elsewhere it becomes plain lines.
 * A pack does not hold every task, so the latest loss of each task is kept and shown.
 */
export class ProgressLine {
  private readonly losses = new Map<string, number>();
  private stage: string | undefined;
  private lastPlain = Number.NEGATIVE_INFINITY;
  private readonly line: StatusLine;

  constructor(
    private readonly terminal: Terminal,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.line = new StatusLine(terminal);
  }

  step(event: StepEvent): void {
    if (event.stage !== this.stage) {
      this.losses.clear();
      this.stage = event.stage;
    }
    for (const [name, value] of Object.entries(event.losses)) this.losses.set(name, value);
    const text = describeStep(event, this.losses);
    if (this.terminal.isTty) {
      this.line.show(text);
    } else {
      const last = event.step === event.steps;
      if (!last && event.step > 1 && this.now() - this.lastPlain < PLAIN_INTERVAL) return;
      this.lastPlain = this.now();
      this.terminal.out(`${text}\n`);
    }
  }

  /** Prints a line of its own above the progress line. */
  note(text: string): void {
    this.line.finish();
    this.terminal.out(`${text}\n`);
  }

  /** Leaves the last state of the progress line on the screen. */
  finish(): void {
    this.line.finish();
  }
}

/** The most important figures come first, because a narrow terminal cuts the end off. */
function describeStep(event: StepEvent, losses: ReadonlyMap<string, number>): string {
  const { stage, step, steps } = event;
  const percent = Math.floor((100 * step) / steps);
  const totals = [...losses].filter(([name]) => !name.includes('/'));
  const tasks = [...losses].filter(([name]) => name.includes('/'));
  return [
    `${stage} ${String(step).padStart(String(steps).length)}/${steps} ${String(percent).padStart(3)}%`,
    `ETA ${formatSeconds(event.etaSeconds)}`,
    Object.entries(event.rewards ?? {})
      .map(([name, value]) => `${name === 'total' ? 'reward' : name} ${formatValue(value)}`)
      .join(' '),
    totals.map(([name, value]) => `${name} ${formatValue(value)}`).join(' '),
    `${formatCount(event.tokensPerSecond)} tok/s`,
    `grad ${formatValue(event.gradNorm)}`,
    `mem ${formatBytes(event.liveBytes)} (peak ${formatBytes(event.peakBytes)})`,
    tasks.map(([name, value]) => `${name} ${formatValue(value)}`).join(' '),
  ]
    .filter((part) => part !== '')
    .join(' | ');
}
