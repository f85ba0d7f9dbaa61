import type { PictureStore } from '../picture-store.js';
import { databaseFailed } from '../state/failures.js';
import type { FineTuningEvents } from '../state/fine-tuning-events.js';
import type { FineTuningJob, FineTuningJobs, JobEnd } from '../state/fine-tuning-jobs.js';
import { endOf } from './job-end.js';
import type { JobFolders } from './job-folders.js';
import { JobLog } from './job-log.js';
import { type TrainingEnd, TrainingProcess } from './training-process.js';

export interface JobRunContext {
  readonly jobs: FineTuningJobs;
  readonly events: FineTuningEvents;
  readonly folders: JobFolders;
  readonly pictures: PictureStore;
  /** Id of the worker that has claimed the job. */
  readonly worker: string;
  readonly leaseSeconds: number;
  readonly onError: (error: unknown) => void;
}

/** Milliseconds between looks at what the training has told. */
const TICK = 200;
/** Seconds in which a training has to save and end when the server closes. */
const CLOSING_SECONDS = 30;
/** Seconds that a step may still take after its job was cancelled. */
const CANCEL_SECONDS = 120;

/** One job in the hands of a worker: its training process, its lease, and what is asked of it. */
export class JobRun {
  private readonly log: JobLog;
  private process: TrainingProcess | undefined;
  private end: TrainingEnd | undefined;
  private renewed = performance.now();
  private closing = false;
  private asked: FineTuningJob['requested'];
  private askedAt = 0;
  /** Ends without a word since the last checkpoint. */
  private crashes: number;
  /** The job is no longer this worker's. */
  private lost = false;
  private urgent = false;
  private wake = (): void => {};

  constructor(
    private readonly job: FineTuningJob,
    private readonly context: JobRunContext,
  ) {
    this.log = new JobLog(job.id, context);
    this.asked = job.requested;
    this.crashes = job.crashes;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Looks at once at what is asked of the job. */
  poke(): void {
    this.urgent = true;
    this.wake();
  }

  /** The server closes: save, end, and leave the job to the next one. */
  close(): void {
    this.closing = true;
    this.process?.stop();
    setTimeout(() => this.process?.kill(), CLOSING_SECONDS * 1000).unref();
    this.wake();
  }

  /** Trains until the process ends or the job is no longer this worker's. */
  async work(): Promise<void> {
    if (this.asked || this.closing) this.end = { kind: 'stopped' };
    else this.begin();
    for (let stored = false; !stored && !this.lost; ) {
      await this.pause();
      await this.guarded(async () => {
        stored = await this.follow();
      });
    }
    if (this.lost) this.process?.kill();
    else await this.finish();
  }

  private begin(): void {
    try {
      this.process = new TrainingProcess(this.context.folders.config(this.job), (line, event) => {
        if (event.type === 'checkpoint') this.crashes = 0;
        this.log.tell(line, event);
      });
    } catch (error) {
      // Its base model may be gone since the job was made.
      this.end = { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
      return;
    }
    void this.process.ended.then((end) => {
      this.end ??= end;
      this.wake();
    });
  }

  /** Keeps the lease and stores what was told. @returns true when the training is over and everything is stored */
  private async follow(): Promise<boolean> {
    await this.renew();
    if (!this.lost) this.lost = !(await this.log.flush());
    if (this.lost || !this.end || !this.log.empty) return false;
    // A training that was over before it was asked tells nothing more.
    if (this.end.kind === 'finished') this.lost = !(await this.log.catchUp());
    return !this.lost;
  }

  private async renew(): Promise<void> {
    const { jobs, worker, leaseSeconds } = this.context;
    if (!this.urgent && secondsSince(this.renewed) < leaseSeconds / 3) return;
    this.urgent = false;
    const renewal = await jobs.renew(worker, this.job.id, leaseSeconds);
    if (!renewal) {
      this.lost = true;
      return;
    }
    this.renewed = performance.now();
    if (renewal.requested && !this.asked) {
      this.process?.stop();
      this.askedAt = performance.now();
    }
    this.asked = renewal.requested;
    // A step that does not end would keep the next job waiting for ever.
    if (this.asked === 'cancel' && secondsSince(this.askedAt) > CANCEL_SECONDS) this.process?.kill();
  }

  /** Runs `work`; while the database fails, the job is this worker's only as long as its lease may last. */
  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.context.onError(error);
      if (databaseFailed(error)) {
        if (secondsSince(this.renewed) > this.context.leaseSeconds) this.lost = true;
        return;
      }
      this.end = {
        kind: 'failed',
        message: 'What the training told could not be stored; see the server’s log.',
      };
      this.log.clear();
      this.process?.kill();
    }
  }

  private async finish(): Promise<void> {
    const { jobs, worker } = this.context;
    const end: JobEnd = endOf(this.job, this.end!, {
      closing: this.closing,
      asked: this.asked,
      crashes: this.crashes,
      folders: this.context.folders,
    });
    for (let over = false; !over && !this.lost; ) {
      await this.guarded(async () => {
        await jobs.end(worker, this.job.id, end);
        over = true;
      });
      if (!over) await this.pause();
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TICK);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const secondsSince = (moment: number): number => (performance.now() - moment) / 1000;
