import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { RunError, writeFailure } from './run-error.js';
import type { LoggedEvent, TrainEvent } from './train-event.js';

/** How far the event log had come when a checkpoint was written. */
export interface LogMark {
  /** Length of `events.jsonl` in bytes. */
  bytes: number;
  /** SHA-256 of these bytes, hexadecimal. */
  sha256: string;
}

/** The mark of an empty log. */
export const emptyMark: LogMark = { bytes: 0, sha256: sha256(new Uint8Array()) };

const NEWLINE = 10;

/**
 * The append-only `events.jsonl` of a run: one JSON object a line, each with the wall-clock `time`.
 * A last line that a crash tore is dropped when the log is opened.
 */
export class EventLog {
  private readonly file: number;

  /** Opens or creates the log. @throws RunError when it cannot be written. */
  constructor(readonly path: string) {
    try {
      const whole = existsSync(path) ? wholeLines(readFileSync(path)) : 0;
      this.file = openSync(path, 'a');
      if (fstatSync(this.file).size > whole) ftruncateSync(this.file, whole);
    } catch (error) {
      throw writeFailure('the event log', path, error);
    }
  }

  /** Writes an event with the present time, and answers it as it stands in the log. */
  append(event: TrainEvent): LoggedEvent {
    const logged: LoggedEvent = { time: new Date().toISOString(), ...event };
    const line = Buffer.from(`${JSON.stringify(logged)}\n`);
    try {
      for (let written = 0; written < line.length; ) written += writeSync(this.file, line, written);
    } catch (error) {
      throw writeFailure('the event log', this.path, error);
    }
    return logged;
  }

  /** Flushes the log to the disk and says how far it is, for a checkpoint. */
  mark(): LogMark {
    fsyncSync(this.file);
    const content = readFileSync(this.path);
    return { bytes: content.length, sha256: sha256(content) };
  }

  /**
   * Drops everything after `mark`: events of steps that the resumed run is going to repeat.
   * @throws RunError when the log is not the one the mark was taken from.
   */
  rewind(mark: LogMark): void {
    const head = readFileSync(this.path).subarray(0, mark.bytes);
    if (head.length !== mark.bytes || sha256(head) !== mark.sha256) {
      throw new RunError(
        `${this.path} is not the log that the checkpoint was written with (expected its first ${mark.bytes} bytes ` +
          'unchanged); put the original file back, or train into a new folder',
      );
    }
    ftruncateSync(this.file, mark.bytes);
  }

  close(): void {
    closeSync(this.file);
  }
}

/**
 * Reads a log; a torn last line is ignored.
 * @throws RunError that names file and line when another line is not a JSON object.
 */
export function readEvents(path: string): LoggedEvent[] {
  const content = readFileSync(path);
  const lines = content.subarray(0, wholeLines(content)).toString('utf8').split('\n').slice(0, -1);
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as LoggedEvent;
    } catch (error) {
      throw new RunError(`${path}:${index + 1}: expected one JSON object, found ${line.slice(0, 60)}`, {
        cause: error,
      });
    }
  });
}

/** Bytes up to and including the last line break. */
function wholeLines(content: Uint8Array): number {
  return content.lastIndexOf(NEWLINE) + 1;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
