import { randomUUID } from 'node:crypto';
import type { JobRunContext } from './job-run.js';
import { JobRun } from './job-run.js';

export interface WorkerOptions extends Omit<JobRunContext, 'worker'> {
  readonly pollSeconds: number;
  /** Called after every look for jobs. */
  readonly onPoll: () => Promise<void>;
}

/** Takes one job after another from the database and trains it, until it is closed. */
export class JobWorker {
  private readonly worker = randomUUID();
  private closing = false;
  private current: JobRun | undefined;
  private loop: Promise<void> | undefined;
  private wake = (): void => {};

  constructor(private readonly options: WorkerOptions) {}

  /** @param exclusive no other process can have a job, so that leases of an earlier process are over */
  start(exclusive: boolean): void {
    this.loop = this.work(exclusive);
  }

  /** Looks for jobs, and for what is asked of the running one, without waiting for the next time. */
  poke(): void {
    this.wake();
    this.current?.poke();
  }

  /** Process of the running training. */
  get trainingPid(): number | undefined {
    return this.current?.pid;
  }

  /** Lets the running training save and end; its job goes back into the queue. */
  async close(): Promise<void> {
    this.closing = true;
    this.wake();
    this.current?.close();
    await this.loop;
  }

  private async work(exclusive: boolean): Promise<void> {
    let inherited = exclusive;
    while (!this.closing) {
      try {
        if (inherited) await this.options.jobs.endLeases();
        inherited = false;
        await this.options.onPoll();
        if (await this.workOnNext()) continue;
      } catch (error) {
        // The database may be down; everything is in it, so that trying again loses nothing.
        this.options.onError(error);
      }
      if (!this.closing) await this.sleep();
    }
  }

  private async workOnNext(): Promise<boolean> {
    const { jobs, leaseSeconds } = this.options;
    const job = await jobs.claim(this.worker, leaseSeconds);
    if (!job) return false;
    this.current = new JobRun(job, { ...this.options, worker: this.worker });
    if (this.closing) this.current.close();
    try {
      await this.current.work();
    } finally {
      this.current = undefined;
    }
    return true;
  }

  private sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.options.pollSeconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
