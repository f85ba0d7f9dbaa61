import { readEvents } from './event-stream.js';
import { get, postJson, RequestError, request } from './request.js';

export interface BaseModel {
  readonly id: string;
  readonly parameters: number;
  readonly pretrained: boolean;
}

export type JobStatus = 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';

export type Losses = Readonly<Record<string, number>>;

export interface JobProgress {
  readonly stage: string;
  readonly step: number;
  readonly steps: number;
  readonly losses: Losses;
  readonly tokens_per_second: number;
  readonly eta_seconds: number;
}

export interface Job {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly finished_at: number | null;
  readonly status: JobStatus;
  readonly model: string;
  readonly fine_tuned_model: string | null;
  readonly error: { readonly message: string } | null;
  /** Id of the character upload or file that it learns from. */
  readonly character: string;
  readonly character_name: string;
  readonly requested: 'cancel' | 'pause' | null;
  readonly stages: readonly { readonly stage: string; readonly steps: number }[];
  /** Null before the first step. */
  readonly progress: JobProgress | null;
}

/** What a job is asked to do; settings left out are the server's business. */
export interface JobWish {
  readonly model: string;
  readonly character: string;
  readonly method: object;
  readonly seed?: number;
  readonly config?: object;
}

export interface PlannedTask {
  readonly task: string;
  readonly samples: number;
  /** Part of the training, 0 to 1. */
  readonly share: number;
}

/** What a job would do. */
export interface Plan {
  readonly parameters: number;
  readonly memory_bytes: number;
  readonly seconds: number;
  readonly stages: Job['stages'];
  readonly tasks: readonly PlannedTask[];
  /** What is to be said about the data, longest texts among it. */
  readonly findings: readonly { readonly severity: 'error' | 'warning' | 'info'; readonly message: string }[];
}

export interface Sample {
  readonly prompt: string;
  readonly reply: string | null;
  readonly url: string | null;
}

/** One event of a job; which fields `data` has depends on its kind. */
export interface JobEvent {
  readonly id: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly data: EventData;
}

export type EventData =
  | { kind: 'status'; status: JobStatus; error?: { message: string } }
  | { kind: 'resume'; stage: string; step: number }
  | { kind: 'stage'; stage: string; steps: number }
  | ({ kind: 'step' } & StepData)
  | { kind: 'validation'; stage: string; step: number; valid_loss: number }
  | { kind: 'sample'; stage: string; step: number; samples: Sample[] }
  | { kind: 'alarm'; stage: string; step: number; measure: string; value: number; limit: number }
  | { kind: 'start' | 'rewards' | 'checkpoint' | 'interrupted' | 'done' };

export interface StepData {
  readonly stage: string;
  readonly step: number;
  readonly total_steps: number;
  readonly losses: Losses;
  readonly tokens_per_second: number;
  readonly eta_seconds: number;
  readonly rewards?: Losses;
}

const JOBS = '/v1/fine_tuning/jobs';

/** Models to begin from, the default first; undefined where the server does not train. */
export async function fetchBaseModels(): Promise<BaseModel[] | undefined> {
  try {
    return (await get<{ data: BaseModel[] }>('/v1/fine_tuning/models')).data;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined;
    throw error;
  }
}

export const planJob = async (wish: JobWish, signal: AbortSignal): Promise<Plan> =>
  postJson<Plan>(JOBS, { ...wish, dry_run: true }, signal);

export const startJob = (wish: JobWish): Promise<Job> => postJson<Job>(JOBS, wish);

export const fetchJob = (id: string): Promise<Job> => get<Job>(`${JOBS}/${id}`);

/** The newest jobs, the newest first. */
export const fetchJobs = async (): Promise<Job[]> => (await get<{ data: Job[] }>(`${JOBS}?limit=50`)).data;

export const controlJob = (id: string, action: 'pause' | 'resume' | 'cancel'): Promise<Job> =>
  postJson<Job>(`${JOBS}/${id}/${action}`, {});

/** All events of a job after one of them, then new ones as they come, until the job is over. */
export async function* jobEvents(
  id: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  const query = after === undefined ? '' : `?after=${after}`;
  const response = await request(`${JOBS}/${id}/events${query}`, {
    headers: { accept: 'text/event-stream' },
    signal,
  });
  for await (const data of readEvents(response)) yield JSON.parse(data) as JobEvent;
}
