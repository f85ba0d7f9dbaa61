import { existsSync } from 'node:fs';
import { RunFolder, readEvents, type TrainEvent } from '@unicharacter/core';
import type { JobEvent } from '../state/fine-tuning-events.js';
import { jobEvent } from './job-event.js';
import type { JobRunContext } from './job-run.js';

interface Told {
  readonly line: number;
  readonly event: TrainEvent;
}

/** Events that are stored in one go. */
const BATCH = 500;

/**
 * Brings what a training tells into the database, so that a job's events there are those of the run's `events.jsonl`, whatever
 * was killed in between: the first event of an attempt tells from where on the log is repeated, and lines before it that an
 * earlier server did not come to store are read from the log itself.
 */
export class JobLog {
  private told: Told[] = [];
  private joined = false;

  constructor(
    private readonly job: string,
    private readonly context: JobRunContext,
  ) {}

  tell(line: number, event: TrainEvent): void {
    this.told.push({ line, event });
  }

  /** True when everything that was told is stored. */
  get empty(): boolean {
    return this.told.length === 0;
  }

  /** Forgets what is not stored. */
  clear(): void {
    this.told = [];
  }

  /** Stores what was told. @returns false when the job is no longer this worker's */
  async flush(): Promise<boolean> {
    while (this.told[0]) {
      if (!this.joined && !(await this.catchUp(this.told[0].line))) return false;
      this.joined = true;
      const batch = this.told.slice(0, BATCH);
      if (!(await this.store(batch))) return false;
      this.told.splice(0, batch.length);
    }
    return true;
  }

  /** Stores the lines of the run's log before `line` that are not stored yet. @returns as {@link flush} */
  async catchUp(line = Number.POSITIVE_INFINITY): Promise<boolean> {
    const log = new RunFolder(this.run).events;
    const stored = await this.context.events.lastLine(this.job);
    const lines = (existsSync(log) ? readEvents(log) : []).map((event, index) => ({ line: index, event }));
    const missing = lines.slice(stored + 1, line);
    for (let from = 0; from < missing.length; from += BATCH) {
      if (!(await this.store(missing.slice(from, from + BATCH)))) return false;
    }
    return true;
  }

  private async store(batch: readonly Told[]): Promise<boolean> {
    const { pictures, jobs, worker } = this.context;
    const events: JobEvent[] = [];
    for (const { line, event } of batch) events.push(await jobEvent(line, event, this.run, pictures));
    return jobs.record(worker, this.job, events);
  }

  private get run(): string {
    return this.context.folders.run(this.job);
  }
}
