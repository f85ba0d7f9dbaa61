import type { FastifyReply } from 'fastify';
import type { App } from '../src/routes/app.js';

export interface Sent {
  /** Names of the parts of the form, in order, pictures with their file names. */
  readonly parts: readonly string[];
  readonly profile: Record<string, unknown>;
}

interface Event {
  readonly id: string;
  readonly level: string;
  readonly message: string;
  readonly data: object;
}

const JOB = 'ftjob-0123456789abcdef01234567';

/**
 * A server that takes characters and trains them as `docs/api-fine-tuning.md` says, at the pace of a test: the test tells
 * what happens in the training.
 */
export class TrainingStandIn {
  readonly uploads: Record<string, unknown>[] = [];
  readonly sent: Sent[] = [];
  readonly wishes: Record<string, unknown>[] = [];
  /** What the doctor says about the next upload. */
  doctor: { findings: object[]; missing: object[]; trainable: boolean } = {
    findings: [],
    missing: [],
    trainable: true,
  };
  job: Record<string, unknown> | undefined;
  private readonly events: Event[] = [];
  private readonly streams = new Set<FastifyReply['raw']>();

  constructor(
    app: App,
    private readonly trainedModel: string,
  ) {
    app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_, body, done) =>
      done(null, body),
    );
    this.characterRoutes(app);
    this.jobRoutes(app);
    app.addHook('onClose', async () => {
      for (const stream of this.streams) stream.end();
    });
  }

  /** Something happens in the training. */
  tell(data: { kind: string } & Record<string, unknown>, message = data.kind): void {
    const event = { id: `ftevent-${this.events.length}`, level: 'info', message, data };
    this.events.push(event);
    for (const stream of this.streams) stream.write(asMessage(event));
  }

  step(step: number, steps: number, ce: number, mse: number): void {
    const losses = { total: ce + mse, ce, mse };
    const told = {
      stage: 'sft',
      step,
      total_steps: steps,
      losses,
      tokens_per_second: 900,
      eta_seconds: steps - step,
    };
    this.tell({ kind: 'step', ...told }, `sft ${step}/${steps}`);
  }

  /** The job gets a status; one that is over ends the streams. */
  become(status: string, change: object = {}): void {
    this.job = { ...this.job, status, ...change };
    this.tell({ kind: 'status', status });
    if (status === 'running' || status === 'paused') return;
    for (const stream of this.streams) stream.end('data: [DONE]\n\n');
    this.streams.clear();
  }

  private characterRoutes(app: App): void {
    app.post('/v1/characters', async ({ body }) => {
      const text = (body as Buffer).toString('latin1');
      const parts = [...text.matchAll(/name="([^"]+)"(?:; filename="([^"]+)")?/g)];
      const json = /name="profile"\r\n\r\n(.*?)\r\n--/s.exec(text)?.[1];
      const profile = JSON.parse(Buffer.from(json ?? '{}', 'latin1').toString('utf8')) as Sent['profile'];
      this.sent.push({ parts: parts.map(([, name, file]) => file ?? name!), profile });
      const upload = {
        ...this.doctor,
        id: `char_${String(this.uploads.length + 1).padStart(24, '0')}`,
        name: profile.name ?? 'Card',
        format: json === undefined ? 'png' : 'folder',
        portrait: null,
        images: parts.filter(([, name]) => name === 'images[]').length,
        tasks: [{ task: 'dialogue', samples: 2 }],
      };
      this.uploads.unshift(upload);
      return upload;
    });
    app.get('/v1/characters/uploads', async () => ({ object: 'list', data: this.uploads }));
    const find = (id: string) => this.uploads.findIndex((one) => one.id === id);
    app.get<{ Params: { id: string } }>(
      '/v1/characters/:id',
      async ({ params }) => this.uploads[find(params.id)],
    );
    app.delete<{ Params: { id: string } }>('/v1/characters/:id', async ({ params }) => {
      this.uploads.splice(find(params.id), 1);
      return { deleted: true };
    });
  }

  private jobRoutes(app: App): void {
    app.get('/v1/fine_tuning/models', async () => ({
      data: [{ id: 'nano-toy', parameters: 10_123_456, pretrained: true }],
    }));
    app.post('/v1/fine_tuning/jobs', async ({ body }) => {
      const wish = body as Record<string, unknown>;
      this.wishes.push(wish);
      if (wish.dry_run) {
        const tasks = [{ task: 'dialogue', samples: 2, share: 1 }];
        const stages = [{ stage: 'sft', steps: 20 }];
        return { parameters: 10_123_456, memory_bytes: 2 ** 30, seconds: 95, stages, tasks, findings: [] };
      }
      const [upload] = this.uploads;
      this.job = {
        ...{ id: JOB, created_at: 1764028800, finished_at: null, status: 'queued', model: wish.model },
        ...{ fine_tuned_model: null, error: null, character: upload!.id, character_name: upload!.name },
        ...{ requested: null, stages: [{ stage: 'sft', steps: 20 }], progress: null },
      };
      this.tell({ kind: 'status', status: 'queued' });
      return this.job;
    });
    app.get('/v1/fine_tuning/jobs', async () => ({ data: this.job ? [this.job] : [] }));
    app.get(`/v1/fine_tuning/jobs/${JOB}`, async () => this.job);
    for (const [action, status] of [
      ['pause', 'paused'],
      ['resume', 'running'],
      ['cancel', 'cancelled'],
    ] as const) {
      app.post(`/v1/fine_tuning/jobs/${JOB}/${action}`, async () => {
        this.become(status);
        return this.job;
      });
    }
    app.get<{ Querystring: { after?: string } }>(
      `/v1/fine_tuning/jobs/${JOB}/events`,
      async ({ query }, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
        const from = this.events.findIndex(({ id }) => id === query.after) + 1;
        reply.raw.write(this.events.slice(from).map(asMessage).join(''));
        this.streams.add(reply.raw);
        reply.raw.once('close', () => this.streams.delete(reply.raw));
      },
    );
  }

  /** Ends a finished training with a character that talks. */
  succeed(): void {
    this.become('succeeded', { finished_at: 1764029000, fine_tuned_model: this.trainedModel });
  }

  /** Breaks the open streams, as a proxy that loses its patience does. */
  breakStreams(): void {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }
}

const asMessage = (event: Event): string => `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
