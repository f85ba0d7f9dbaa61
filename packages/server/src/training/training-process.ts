import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TrainConfig, TrainEvent } from '@unicharacter/core';
import { childOptions } from '../child-options.js';
import type { FromTraining, ToTraining } from './messages.js';

const PROGRAM = fileURLToPath(new URL('training-main.js', import.meta.url));

/** How a training process ended. */
export type TrainingEnd =
  | { readonly kind: 'finished' }
  /** Stopped after a checkpoint, as it was told. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string }
  /** Without a word; `how` names signal or exit code. */
  | { readonly kind: 'crashed'; readonly how: string };

/** A training in a process of its own, so that the server stays responsive and survives whatever happens in it. */
export class TrainingProcess {
  readonly ended: Promise<TrainingEnd>;
  private readonly child: ChildProcess;

  constructor(config: TrainConfig, onEvent: (line: number, event: TrainEvent) => void) {
    this.child = fork(PROGRAM, childOptions());
    let lastWord: TrainingEnd | undefined;
    this.child.on('message', (message: FromTraining) => {
      if (message.kind === 'event') onEvent(message.line, message.event);
      else if (message.kind === 'failed') lastWord = message;
      else lastWord = { kind: message.finished ? 'finished' : 'stopped' };
    });
    this.ended = new Promise((resolve) => {
      this.child.on('error', ({ message }) => resolve({ kind: 'failed', message }));
      // Not "exit": messages may still be on their way then.
      this.child.on('close', (code, signal) =>
        resolve(lastWord ?? { kind: 'crashed', how: signal ?? `exit code ${code}` }),
      );
    });
    this.tell({ kind: 'train', config });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Lets it finish its step, save and end. */
  stop(): void {
    this.tell({ kind: 'stop' });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private tell(message: ToTraining): void {
    // A process that is gone is noticed by its end.
    if (this.child.connected) this.child.send(message, () => {});
  }
}
