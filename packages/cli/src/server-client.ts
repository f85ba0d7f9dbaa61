import { setTimeout as wait } from 'node:timers/promises';
import { UsageError } from './errors.js';
import { readEventStream } from './event-stream.js';

/** A job as the server describes it (docs/api-fine-tuning.md). */
export interface Job {
  id: string;
  status: 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';
  created_at: number;
  finished_at: number | null;
  model: string;
  fine_tuned_model: string | null;
  training_file: string;
  character_name: string;
  suffix: string | null;
  seed: number;
  requested: string | null;
  trained_tokens: number | null;
  estimated_finish: number | null;
  error: { message: string } | null;
  stages: { stage: string; steps: number }[];
  progress: { stage: string; step: number; steps: number; losses: Record<string, number> } | null;
}

export interface ServerJobEvent {
  id: string;
  level: 'info' | 'warn' | 'error';
  message: string;
  created_at: number;
  data: { kind: string } & Record<string, unknown>;
}

/** The server cannot be reached, or failed by its own account. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** Seconds for which a stream that broke off is asked for again. */
const PATIENCE = 60;

/** A running server, asked over HTTP. */
export class ServerClient {
  constructor(
    private readonly url: string,
    private readonly key: string | undefined,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.json(path, {});
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.json(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  upload<T>(path: string, form: FormData): Promise<T> {
    return this.json(path, { method: 'POST', body: form });
  }

  /**
   * The events of a job as they come, to its end. A line that breaks is taken up again where it broke.
   * @throws ServerError when the server stays away
   */
  async *events(job: string): AsyncGenerator<ServerJobEvent> {
    let last: string | undefined;
    let lost = 0;
    for (;;) {
      try {
        const headers = { accept: 'text/event-stream', ...(last ? { 'last-event-id': last } : {}) };
        const response = await this.request(`fine_tuning/jobs/${job}/events`, { headers });
        for await (const data of readEventStream(response.body!)) {
          if (data === '[DONE]') return;
          const event = JSON.parse(data) as ServerJobEvent;
          last = event.id;
          lost = 0;
          yield event;
        }
      } catch (error) {
        if (error instanceof UsageError || lost >= PATIENCE) throw error;
      }
      lost += 1;
      await wait(1000);
    }
  }

  private async json<T>(path: string, init: RequestInit): Promise<T> {
    return (await (await this.request(path, init)).json()) as T;
  }

  /** @throws UsageError for what the server refuses, with its own words; ServerError when it fails or is not there */
  private async request(path: string, init: RequestInit): Promise<Response> {
    const address = `${this.url.replace(/\/+$/, '')}/v1/${path}`;
    const headers = new Headers(init.headers);
    if (this.key) headers.set('authorization', `Bearer ${this.key}`);
    let response: Response;
    try {
      response = await fetch(address, { ...init, headers });
    } catch (error) {
      throw new ServerError(
        `No server answers at ${this.url}. Start one with "unicharacter serve", or name another with --url.`,
        { cause: error },
      );
    }
    if (response.ok) return response;
    throw await refusal(response, address);
  }
}

async function refusal(response: Response, address: string): Promise<Error> {
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  const message = body?.error?.message ?? `${address} answered ${response.status} without a reason`;
  if (response.status === 401)
    return new UsageError(`${message} Give it with --api-key or UNICHARACTER_API_KEY.`);
  if (response.status === 404 && message.startsWith('Unknown address')) {
    return new UsageError(`${message}. This server does not train; is it "unicharacter serve"?`);
  }
  return response.status < 500 ? new UsageError(message) : new ServerError(message);
}
