/**
 * The program of the training process: gets one configuration from its parent, trains, tells every event, and ends. Without
 * its parent it ends at once; the checkpoints of the run are what the next attempt goes on from.
 */
import { constants, setPriority } from 'node:os';
import { RunFolder, readEvents, type TrainConfig, trainCharacter, trainingProcess } from '@unicharacter/core';
import { preferredByOomKiller } from '../oom-score.js';
import type { FromTraining, ToTraining } from './messages.js';

const stop = new AbortController();

// Before the first product starts the threads that inherit it: those who talk to the server come first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
preferredByOomKiller(1000);
process.on('message', (message: ToTraining) => {
  if (message.kind === 'stop') stop.abort(new Error('the server stops the training'));
  else void train(message.config);
});
process.on('disconnect', () => process.exit(1));
// A terminal sends these to the server too, which says when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

async function train(config: TrainConfig): Promise<void> {
  try {
    await freeRun(config.out);
    if (stop.signal.aborted) return last({ kind: 'ended', finished: false });
    const { finished } = await trainCharacter(config, { signal: stop.signal, onEvent: teller(config.out) });
    last({ kind: 'ended', finished });
  } catch (error) {
    last({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** Tells events with their line in the run's log, to which they have been written when it is called. */
function teller(run: string): (event: Extract<FromTraining, { kind: 'event' }>['event']) => void {
  let line: number | undefined;
  return (event) => {
    line = line === undefined ? readEvents(new RunFolder(run).events).length - 1 : line + 1;
    process.send?.({ kind: 'event', line, event } satisfies FromTraining);
  };
}

/** Waits for the process of a server that was killed: it ends as soon as it finds itself alone. */
async function freeRun(run: string): Promise<void> {
  while (trainingProcess(run) !== undefined && !stop.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function last(message: FromTraining): void {
  process.send?.(message, () => process.exit(0));
}
