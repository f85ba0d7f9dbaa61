import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SummaryValue, summaryRecord, versionRecord } from '../tensor-io/index.js';
import { writeFileAtomic } from './atomic-write.js';
import { readEvents } from './event-log.js';
import { writeFailure } from './run-error.js';
import type { RunFolder } from './run-folder.js';
import type { LoggedEvent } from './train-event.js';

const FILE = 'events.out.tfevents.0000000000.run';

/**
 * The events of a run as TensorBoard reads them (`tensorboard --logdir <run>/tensorboard`). The file is made anew from the
 * event log when a session begins, so that steps that are repeated after a crash do not stand in it twice.
 */
export class TensorBoardLog {
  private readonly path: string;

  /** @throws RunError when the file cannot be written */
  constructor(private readonly run: RunFolder) {
    const folder = join(run.root, 'tensorboard');
    this.path = join(folder, FILE);
    mkdirSync(folder, { recursive: true });
    const events = existsSync(run.events) ? readEvents(run.events) : [];
    const started = secondsOf(events[0]?.time ?? new Date().toISOString());
    const records = events.flatMap((event) => this.recordOf(event) ?? []);
    writeFileAtomic(this.path, Buffer.concat([versionRecord(started), ...records]));
  }

  append(event: LoggedEvent): void {
    const record = this.recordOf(event);
    if (!record) return;
    try {
      appendFileSync(this.path, record);
    } catch (error) {
      throw writeFailure('TensorBoard events', this.path, error);
    }
  }

  private recordOf(event: LoggedEvent): Uint8Array | undefined {
    if (!('step' in event) || event.type === 'done') return undefined;
    const values = this.valuesOf(event);
    return values.length === 0 ? undefined : summaryRecord(secondsOf(event.time), event.step, values);
  }

  private valuesOf(event: LoggedEvent): SummaryValue[] {
    switch (event.type) {
      case 'step': {
        const {
          stage,
          losses,
          rewards = {},
          measures = {},
          lr,
          gradNorm,
          tokensPerSecond,
          peakBytes,
        } = event;
        return [
          ...scalars(`${stage}/loss`, losses),
          ...scalars(`${stage}/reward`, rewards),
          ...scalars(`${stage}/measure`, { ...measures, lr, gradNorm, tokensPerSecond, peakBytes }),
        ];
      }
      case 'validation':
        return scalars(`${event.stage}/validation`, event.losses);
      case 'sample':
        return event.sheet === undefined ? [] : this.sheet(event.stage, event.sheet);
      default:
        return [];
    }
  }

  private sheet(stage: string, path: string): SummaryValue[] {
    const file = join(this.run.root, path);
    if (!existsSync(file)) return [];
    const png = readFileSync(file);
    // Width and height stand at fixed places of a PNG's first chunk.
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    return [{ tag: `${stage}/samples`, png, width, height }];
  }
}

function scalars(prefix: string, values: Readonly<Record<string, number>>): SummaryValue[] {
  return Object.entries(values).map(([name, scalar]) => ({ tag: `${prefix}/${name}`, scalar }));
}

const secondsOf = (time: string): number => Date.parse(time) / 1000;
