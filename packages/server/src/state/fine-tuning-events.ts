import { EventEmitter } from 'node:events';
import { and, asc, desc, eq, gt, gte, inArray, lt, max, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { type EventData, fineTuningEvents } from './schema.js';

export type StoredEvent = typeof fineTuningEvents.$inferSelect;

/** Something that happened in a job; `line` is set for what stands in the event log of its run. */
export interface JobEvent {
  readonly line?: number;
  readonly level: StoredEvent['level'];
  readonly message: string;
  readonly data: EventData;
}

/** Where a page of events begins: `after` is the serial number of the event before it. */
export interface EventPage {
  readonly limit: number;
  readonly after?: number | undefined;
  readonly order: 'asc' | 'desc';
}

/** How far a job has come. */
export interface JobProgress {
  /** The last step's event. */
  readonly step: EventData | undefined;
  /** Tokens of all steps but those of the autoencoder. */
  readonly trainedTokens: number;
}

const OWN = sql`${fineTuningEvents.data} ->> 'kind'`;

/** What happened in jobs, in the order of `serial`. */
export class FineTuningEvents {
  private readonly news = new EventEmitter().setMaxListeners(0);

  constructor(private readonly database: Database) {}

  list(job: string, { limit, after, order }: EventPage): Promise<StoredEvent[]> {
    const { serial, jobId } = fineTuningEvents;
    const beyond = after === undefined ? undefined : order === 'asc' ? gt(serial, after) : lt(serial, after);
    return this.database
      .select()
      .from(fineTuningEvents)
      .where(and(eq(jobId, job), beyond))
      .orderBy(order === 'asc' ? asc(serial) : desc(serial))
      .limit(limit);
  }

  /** Resolves when this process adds an event to the job, after `milliseconds` at the latest, or when the signal says so. */
  async changed(job: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.news.off(job, done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.news.once(job, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /**
   * Adds events in a transaction that holds the job's row. Lines from the first one's on are replaced: a training that
   * goes on from a checkpoint repeats them.
   */
  async add(
    transaction: Pick<Database, 'insert' | 'delete'>,
    job: string,
    events: readonly JobEvent[],
  ): Promise<void> {
    const [first] = events;
    if (!first) return;
    if (first.line !== undefined) {
      await transaction
        .delete(fineTuningEvents)
        .where(and(eq(fineTuningEvents.jobId, job), gte(fineTuningEvents.line, first.line)));
    }
    const rows = events.map(({ line, level, message, data }) => ({
      jobId: job,
      line: line ?? null,
      level,
      message: storable(message),
      data: storable(data),
    }));
    await transaction.insert(fineTuningEvents).values(rows);
  }

  /** Tells those who wait for the job; call it when the transaction is committed. */
  announce(job: string): void {
    this.news.emit(job);
  }

  /** The last line of the run's event log that is stored; -1 when there is none. */
  async lastLine(job: string): Promise<number> {
    const [row] = await this.database
      .select({ line: max(fineTuningEvents.line) })
      .from(fineTuningEvents)
      .where(eq(fineTuningEvents.jobId, job));
    return row?.line ?? -1;
  }

  async progress(jobs: readonly string[]): Promise<Map<string, JobProgress>> {
    if (jobs.length === 0) return new Map();
    const { jobId, serial, data } = fineTuningEvents;
    const steps = and(inArray(jobId, [...jobs]), eq(OWN, 'step'));
    const last = await this.database
      .selectDistinctOn([jobId], { jobId, data })
      .from(fineTuningEvents)
      .where(steps)
      .orderBy(jobId, desc(serial));
    const sums = await this.database
      .select({ jobId, tokens: sql<string>`sum((${data} ->> 'tokens')::bigint)` })
      .from(fineTuningEvents)
      .where(and(steps, sql`${data} ->> 'stage' <> 'vae'`))
      .groupBy(jobId);
    const tokens = new Map(sums.map((row) => [row.jobId, Number(row.tokens)]));
    return new Map(
      last.map((row) => [row.jobId, { step: row.data, trainedTokens: tokens.get(row.jobId) ?? 0 }]),
    );
  }

  /** The events of one kind about some steps, oldest first. */
  ofSteps(job: string, kind: string, steps: readonly number[]): Promise<StoredEvent[]> {
    const { jobId, serial, data } = fineTuningEvents;
    const about = inArray(sql`${data} ->> 'step'`, steps.map(String));
    return this.database
      .select()
      .from(fineTuningEvents)
      .where(and(eq(jobId, job), eq(OWN, kind), about))
      .orderBy(asc(serial));
  }
}

/** PostgreSQL holds every character but U+0000, and a model may say that one. */
function storable<T>(value: T): T {
  const withoutNul = (_: string, inner: unknown): unknown =>
    typeof inner === 'string' ? inner.replaceAll('\0', '') : inner;
  return JSON.parse(JSON.stringify(value, withoutNul)) as T;
}
