import { statSync } from 'node:fs';
import { type CheckpointRef, RunFolder, type Stage } from '@unicharacter/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answers, orStream, page } from '../answers/answers.js';
import { Checkpoint, JobEvent } from '../answers/fine-tuning-answers.js';
import { invalidRequest } from '../errors.js';
import { fileUrl } from '../image-delivery.js';
import { clientSignal } from '../serving.js';
import { EventStream } from '../sse.js';
import type { FineTuningJob } from '../state/fine-tuning-jobs.js';
import type { Training } from '../training/training.js';
import type { App } from './app.js';
import { findJob } from './fine-tuning.js';
import { JobParams } from './fine-tuning-schema.js';
import { eventSerial, eventView } from './fine-tuning-view.js';
import { listOf, PageQuery, pageRequest, seconds } from './listing.js';

const tags = ['fine-tuning'];
const OVER: readonly FineTuningJob['status'][] = ['succeeded', 'failed', 'cancelled'];
/** Events of a stream that are read at a time. */
const BATCH = 200;
/** Another server may write the events; then they are noticed by looking. */
const LOOK_MILLISECONDS = 1000;
/** Looks without news between comments that keep the line open. */
const LOOKS_PER_PING = 15;

/** What happens in a job, as a list and as a stream, and its checkpoints. */
export function fineTuningEventRoutes(app: App, training: Training): void {
  app.get(
    '/v1/fine_tuning/jobs/:id/events',
    {
      schema: {
        tags,
        summary: 'Events of a job: a list, or with Accept: text/event-stream as they come',
        params: JobParams,
        querystring: PageQuery,
        response: answers(orStream('Events', page(JobEvent), JobEvent), 404),
      },
    },
    async (request, reply) => {
      const { owner, params, query, headers } = request;
      await findJob(training, owner, params.id);
      if (headers.accept?.includes('text/event-stream')) {
        const last = query.after ?? headers['last-event-id'];
        return stream(training, request, reply, params.id, typeof last === 'string' ? last : undefined);
      }
      const { limit, order = 'desc' } = pageRequest(query);
      const rows = await training.state.jobEvents.list(params.id, {
        limit,
        order,
        after: afterSerial(query.after),
      });
      const address = (id: string): string => fileUrl(request, id);
      return listOf(
        rows.map((row) => eventView(row, address)),
        limit,
      );
    },
  );
  app.get(
    '/v1/fine_tuning/jobs/:id/checkpoints',
    {
      schema: {
        tags,
        summary: 'Checkpoints that lie on disk, the newest first',
        params: JobParams,
        querystring: PageQuery,
        response: answers(page(Checkpoint), 404),
      },
    },
    async ({ owner, params, query }) => {
      const job = await findJob(training, owner, params.id);
      const { limit } = pageRequest(query);
      const all = await checkpointViews(training, job);
      const begin = query.after === undefined ? 0 : all.findIndex(({ id }) => id === query.after) + 1;
      return listOf(all.slice(begin, begin + limit), limit);
    },
  );
}

/** Sends all events, then new ones as they come, until the job is over or the client leaves. */
async function stream(
  { state }: Training,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  last: string | undefined,
): Promise<FastifyReply> {
  let after = afterSerial(last) ?? 0;
  const signal = clientSignal(reply);
  reply.hijack();
  const events = new EventStream(reply.raw);
  try {
    for (let quiet = 0; !signal.aborted; ) {
      // Before the events: what belongs to an end is stored with it.
      const job = await state.jobs.find(request.owner, id);
      const rows = await state.jobEvents.list(id, { limit: BATCH, after, order: 'asc' });
      for (const row of rows) {
        const event = eventView(row, (picture) => fileUrl(request, picture));
        events.send(event, event.id);
        after = row.serial;
      }
      await events.drained(signal);
      if (rows.length === BATCH) continue;
      if (!job || OVER.includes(job.status)) return endStream(events, reply);
      quiet = rows.length > 0 ? 0 : quiet + 1;
      if (quiet > 0 && quiet % LOOKS_PER_PING === 0) events.ping();
      await state.jobEvents.changed(id, LOOK_MILLISECONDS, signal);
    }
  } catch (error) {
    // The client asks again from its last event.
    request.log.error(error);
    events.end();
  }
  return reply;
}

function endStream(events: EventStream, reply: FastifyReply): FastifyReply {
  events.done();
  return reply;
}

/** @throws ApiError 400 for text that is no id of an event */
function afterSerial(id: string | undefined): number | undefined {
  if (id === undefined) return undefined;
  const serial = eventSerial(id);
  if (serial !== undefined) return serial;
  throw invalidRequest(
    `Expected the id of an event such as "ftevent-17", found "${id.slice(0, 40)}".`,
    'after',
  );
}

async function checkpointViews({ state, folders }: Training, job: FineTuningJob) {
  const run = new RunFolder(folders.run(job.id));
  const found: [Stage, CheckpointRef[]][] = [
    ['vae', run.vaeCheckpoints.list()],
    ['sft', run.checkpoints.list()],
    ['grpo', run.grpo.list()],
    ['text-grpo', run.textGrpo.list()],
  ];
  const newest = found.flatMap(([stage, refs]) => refs.map((ref) => ({ stage, ...ref }))).toReversed();
  const saved = newest.map(({ step }) => step);
  const [steps, validations] = await Promise.all(
    ['step', 'validation'].map((kind) => state.jobEvents.ofSteps(job.id, kind, saved)),
  );
  const measured = (events: typeof steps, stage: Stage, step: number) =>
    events?.findLast(({ data }) => data.stage === stage && data.step === step)?.data;
  return newest.map(({ stage, step, path }, index) => ({
    id: `ftckpt-${job.id.slice('ftjob-'.length)}-${stage}-${step}`,
    object: 'fine_tuning.job.checkpoint',
    created_at: seconds(statSync(path).mtime),
    fine_tuning_job_id: job.id,
    fine_tuned_model_checkpoint: index === 0 ? (job.fineTunedModel ?? '') : '',
    step_number: step,
    metrics: {
      step,
      train_loss: measured(steps, stage, step)?.train_loss ?? null,
      valid_loss: measured(validations, stage, step)?.valid_loss ?? null,
    },
    stage,
  }));
}
