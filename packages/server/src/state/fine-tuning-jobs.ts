import { and, asc, desc, eq, gte, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import type { FineTuningEvents, JobEvent } from './fine-tuning-events.js';
import { type PageRequest, rowsAfter } from './page-of.js';
import { fineTuningJobs, type JobError, type JobStatus } from './schema.js';

export type FineTuningJob = typeof fineTuningJobs.$inferSelect;
export type NewFineTuningJob = Omit<typeof fineTuningJobs.$inferInsert, 'status' | 'position' | 'createdAt'>;

export type SucceededJob = Pick<
  FineTuningJob,
  'id' | 'fineTunedModel' | 'suffix' | 'characterName' | 'finishedAt'
>;

/** How a worker leaves a job. */
export type JobEnd =
  | { readonly status: 'succeeded'; readonly model: string }
  | { readonly status: 'failed'; readonly error: JobError }
  | { readonly status: 'paused' | 'cancelled' }
  /** Back into the queue; `message` says why. */
  | { readonly status: 'queued'; readonly message: string; readonly crashed: boolean };

/** What a worker learns when it renews its lease. */
export type Renewal = Pick<FineTuningJob, 'requested'>;

export const UNFINISHED: readonly JobStatus[] = ['queued', 'running', 'paused'];
const PAGED = { table: fineTuningJobs, id: fineTuningJobs.id, position: fineTuningJobs.position };
const { id: jobId, owner: jobOwner, status: jobStatus, leaseUntil, worker: jobWorker } = fineTuningJobs;

/**
 * Fine-tuning jobs. Everybody sees their own only. One worker at a time has a job, by a lease that it renews: when it dies,
 * the lease ends and another goes on. What a worker writes counts only while the job is still its own.
 */
export class FineTuningJobs {
  constructor(
    private readonly database: Database,
    private readonly events: FineTuningEvents,
  ) {}

  create(job: NewFineTuningJob): Promise<FineTuningJob> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction.insert(fineTuningJobs).values(job).returning();
      await this.events.add(transaction, row!.id, [statusEvent('queued', 'The job was created.')]);
      return row!;
    });
  }

  async find(owner: string, id: string): Promise<FineTuningJob | undefined> {
    const [row] = await this.database.select().from(fineTuningJobs).where(owned(owner, id));
    return row;
  }

  list(owner: string, page: PageRequest): Promise<FineTuningJob[]> {
    return this.database
      .select()
      .from(fineTuningJobs)
      .where(and(eq(jobOwner, owner), rowsAfter(PAGED, page)))
      .orderBy(page.order === 'asc' ? asc(fineTuningJobs.position) : desc(fineTuningJobs.position))
      .limit(page.limit);
  }

  /** Jobs of an owner that are not over. */
  unfinished(owner: string): Promise<number> {
    return this.database.$count(
      fineTuningJobs,
      and(eq(jobOwner, owner), inArray(jobStatus, [...UNFINISHED])),
    );
  }

  /** Does a job that is not over train on this upload? */
  async needs(source: string): Promise<boolean> {
    const { source: training, validationSource: validation } = fineTuningJobs;
    const used = and(inArray(jobStatus, [...UNFINISHED]), or(eq(training, source), eq(validation, source)));
    return (await this.database.$count(fineTuningJobs, used)) > 0;
  }

  /** Jobs that made a model, whoever owns them. @param since only those that were over at that moment or later */
  succeeded(since?: Date): Promise<SucceededJob[]> {
    const { fineTunedModel, suffix, characterName, finishedAt } = fineTuningJobs;
    return this.database
      .select({ id: jobId, fineTunedModel, suffix, characterName, finishedAt })
      .from(fineTuningJobs)
      .where(and(eq(jobStatus, 'succeeded'), since && gte(finishedAt, since)))
      .orderBy(asc(fineTuningJobs.position));
  }

  /**
   * Takes the oldest job that waits, or whose worker has died. `SKIP LOCKED` lets several workers ask at once without
   * getting the same one.
   */
  async claim(worker: string, leaseSeconds: number): Promise<FineTuningJob | undefined> {
    const free = or(eq(jobStatus, 'queued'), and(eq(jobStatus, 'running'), sql`${leaseUntil} < now()`));
    const oldest = this.database
      .select({ id: jobId })
      .from(fineTuningJobs)
      .where(free)
      .orderBy(asc(fineTuningJobs.position))
      .limit(1)
      .for('update', { skipLocked: true });
    const [row] = await this.database
      .update(fineTuningJobs)
      .set({ status: 'running', worker, leaseUntil: inSeconds(leaseSeconds) })
      .where(inArray(jobId, oldest))
      .returning();
    return row;
  }

  /** Ends the leases of all workers; only for a database that no other process can have open. */
  async endLeases(): Promise<void> {
    await this.database
      .update(fineTuningJobs)
      .set({ leaseUntil: sql`now()` })
      .where(eq(jobStatus, 'running'));
  }

  /** @returns undefined when the job is no longer the worker's */
  async renew(worker: string, id: string, leaseSeconds: number): Promise<Renewal | undefined> {
    const [row] = await this.database
      .update(fineTuningJobs)
      .set({ leaseUntil: inSeconds(leaseSeconds) })
      .where(heldBy(worker, id))
      .returning({ requested: fineTuningJobs.requested });
    return row;
  }

  /** Adds events of the worker's run. @returns false when the job is no longer the worker's */
  record(worker: string, id: string, events: readonly JobEvent[]): Promise<boolean> {
    const progressed = events.some(({ data }) => data.kind === 'checkpoint');
    return this.change(id, heldBy(worker, id), progressed ? { crashes: 0 } : {}, () => events).then(Boolean);
  }

  /** Gives the job up. @returns false when it was no longer the worker's */
  end(worker: string, id: string, end: JobEnd): Promise<boolean> {
    const over = end.status !== 'queued' && end.status !== 'paused';
    const change = {
      status: end.status,
      requested: null,
      worker: null,
      leaseUntil: null,
      ...(end.status === 'succeeded' ? { fineTunedModel: end.model } : {}),
      ...(end.status === 'failed' ? { error: end.error } : {}),
      ...(end.status === 'queued' && end.crashed ? { crashes: sql`${fineTuningJobs.crashes} + 1` } : {}),
      ...(over ? { finishedAt: sql`now()` } : {}),
    };
    return this.change(id, heldBy(worker, id), change, () => [endEvent(end)]).then(Boolean);
  }

  /**
   * Asks for a job to be paused or cancelled: at once when no worker has it, else at its next step.
   * @returns undefined when its status does not allow that
   */
  ask(owner: string, id: string, requested: 'cancel' | 'pause'): Promise<FineTuningJob | undefined> {
    const to = requested === 'cancel' ? 'cancelled' : 'paused';
    const idle: JobStatus[] = requested === 'cancel' ? ['queued', 'paused'] : ['queued'];
    const allowed = and(owned(owner, id), inArray(jobStatus, [...idle, 'running']));
    const running = sql`${jobStatus} = 'running'`;
    const change = {
      status: sql`CASE WHEN ${running} THEN ${jobStatus} ELSE ${to} END`,
      requested: sql`CASE WHEN ${running} THEN ${requested} ELSE NULL END`,
      ...(to === 'cancelled' ? { finishedAt: sql`CASE WHEN ${running} THEN NULL ELSE now() END` } : {}),
    };
    return this.change(id, allowed, change, (row) =>
      row.status === 'running' ? [] : [statusEvent(to, `The job was ${to}.`)],
    );
  }

  /** Lets a paused or failed job go on. @returns undefined when its status does not allow that */
  resume(owner: string, id: string): Promise<FineTuningJob | undefined> {
    const allowed = and(owned(owner, id), inArray(jobStatus, ['paused', 'failed']));
    const change = { status: 'queued' as const, requested: null, error: null, finishedAt: null, crashes: 0 };
    return this.change(id, allowed, change, () => [statusEvent('queued', 'The job was resumed.')]);
  }

  /** Changes a job and adds events in one transaction, if `where` still holds. */
  private async change(
    id: string,
    where: SQL | undefined,
    change: Readonly<Record<string, unknown>>,
    events: (row: FineTuningJob) => readonly JobEvent[],
  ): Promise<FineTuningJob | undefined> {
    const changed = await this.database.transaction(async (transaction) => {
      const [held] = await transaction.select().from(fineTuningJobs).where(where).for('update');
      if (!held) return undefined;
      const row =
        Object.keys(change).length === 0
          ? held
          : (await transaction.update(fineTuningJobs).set(change).where(eq(jobId, id)).returning())[0]!;
      await this.events.add(transaction, id, events(row));
      return row;
    });
    if (changed) this.events.announce(id);
    return changed;
  }
}

const owned = (owner: string, id: string) => and(eq(jobId, id), eq(jobOwner, owner));
const heldBy = (worker: string, id: string) =>
  and(eq(jobId, id), eq(jobWorker, worker), eq(jobStatus, 'running'));
const inSeconds = (seconds: number) => sql`now() + make_interval(secs => ${seconds})`;

/** The event that says that the status of a job has changed. */
export function statusEvent(status: JobStatus, message: string, error?: JobError): JobEvent {
  return {
    level: status === 'failed' ? 'error' : 'info',
    message,
    data: { kind: 'status', status, ...(error ? { error } : {}) },
  };
}

function endEvent(end: JobEnd): JobEvent {
  switch (end.status) {
    case 'succeeded':
      return statusEvent('succeeded', `The job has made the model ${end.model}.`);
    case 'failed':
      return statusEvent('failed', end.error.message, end.error);
    case 'queued':
      return { ...statusEvent('queued', end.message), level: end.crashed ? 'warn' : 'info' };
    default:
      return statusEvent(end.status, `The job was ${end.status}.`);
  }
}
