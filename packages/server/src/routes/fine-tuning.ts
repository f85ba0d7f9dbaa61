import { randomBytes } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
import { describeBaseModel } from '@unicharacter/core';
import { answers, listing, page } from '../answers/answers.js';
import { BaseModel, Job, JobPlan } from '../answers/fine-tuning-answers.js';
import { ApiError } from '../errors.js';
import type { FineTuningJob } from '../state/fine-tuning-jobs.js';
import {
  folderless,
  type Hyperparameters,
  type MethodType,
  type TrainingWish,
} from '../training/job-config.js';
import { planJob } from '../training/plan-job.js';
import type { Training } from '../training/training.js';
import type { App } from './app.js';
import { JobBody, JobParams } from './fine-tuning-schema.js';
import { findSources, stateConsent } from './fine-tuning-sources.js';
import { jobView, planView, stageLengths } from './fine-tuning-view.js';
import { listOf, PageQuery, pageRequest } from './listing.js';

const tags = ['fine-tuning'];
/** Jobs of one owner that may be unfinished at a time. */
const MOST_JOBS = 20;

/** `/v1/fine_tuning/jobs`: training as jobs. */
export function fineTuningRoutes(app: App, training: Training): void {
  const { state, options, folders, worker } = training;
  const { jobs } = state;
  /** Described when somebody first asks: their files do not change while the server runs. */
  let baseModels: object[] | undefined;
  const view = async (job: FineTuningJob) =>
    jobView(job, (await state.jobEvents.progress([job.id])).get(job.id));

  app.get(
    '/v1/fine_tuning/models',
    {
      schema: {
        tags,
        summary: 'Base models that can be fine-tuned',
        response: answers(listing(BaseModel)),
      },
    },
    async () => {
      baseModels ??= Object.entries(options.bases).map(([id, folder]) => ({
        id,
        object: 'model',
        ...describeBaseModel(folder),
      }));
      return { object: 'list', data: baseModels };
    },
  );
  app.post(
    '/v1/fine_tuning/jobs',
    {
      schema: {
        tags,
        summary: 'Train a character',
        description:
          'OpenAI’s request, with `character` (an uploaded character instead of a file), `config` (options of the training ' +
          'configuration) and `dry_run` (answer the plan only). How a job goes: docs/api-fine-tuning.md.',
        body: JobBody,
        response: answers(Type.Union([Job, JobPlan]), 404),
      },
    },
    async ({ body, owner }) => {
      const sources = await findSources(state, owner, body);
      const id = `ftjob-${randomBytes(12).toString('hex')}`;
      const places = {
        id,
        model: body.model,
        source: sources.training,
        validationSource: sources.validation,
      };
      const wish = wishOf(body);
      const planned = await planJob(training.planner, wish, folders.forJob(places));
      if (body.dry_run === true) {
        return planView({ model: body.model, character: sources.training }, planned);
      }
      await stateConsent(state, owner, sources, body.metadata ?? {});
      await refuseTooMany(training, owner);
      const job = await jobs.create({
        ...places,
        owner,
        characterName: planned.character.slice(0, 200).replaceAll('\0', ''),
        suffix: body.suffix ?? null,
        config: folderless(planned.config),
        method: {
          type: wish.method,
          hyperparameters: shown(wish.hyperparameters),
          stages: stageLengths(planned),
        },
        metadata: body.metadata ?? null,
      });
      worker.poke();
      return view(job);
    },
  );
  app.get(
    '/v1/fine_tuning/jobs',
    {
      schema: {
        tags,
        summary: 'Jobs, the newest first',
        querystring: PageQuery,
        response: answers(page(Job)),
      },
    },
    async ({ owner, query }) => {
      const wanted = pageRequest(query);
      const rows = await jobs.list(owner, wanted);
      const progress = await state.jobEvents.progress(rows.map(({ id }) => id));
      return listOf(
        rows.map((job) => jobView(job, progress.get(job.id))),
        wanted.limit,
      );
    },
  );
  app.get(
    '/v1/fine_tuning/jobs/:id',
    { schema: { tags, summary: 'A job', params: JobParams, response: answers(Job, 404) } },
    async ({ owner, params }) => view(await findJob(training, owner, params.id)),
  );
  const actions = {
    cancel: {
      summary: 'End a job after its present step; checkpoints stay',
      act: (owner: string, id: string) => jobs.ask(owner, id, 'cancel'),
    },
    pause: {
      summary: 'Stop a job after its present step, to be resumed later',
      act: (owner: string, id: string) => jobs.ask(owner, id, 'pause'),
    },
    resume: {
      summary: 'Let a paused or failed job go on from its last checkpoint',
      act: (owner: string, id: string) => jobs.resume(owner, id),
    },
  };
  for (const [action, { summary, act }] of Object.entries(actions)) {
    app.post(
      `/v1/fine_tuning/jobs/:id/${action}`,
      { schema: { tags, summary, params: JobParams, response: answers(Job, 404, 409) } },
      async ({ owner, params }) => {
        const { status } = await findJob(training, owner, params.id);
        const job = await act(owner, params.id);
        if (!job) throw wrongStatus(action, status);
        worker.poke();
        return view(job);
      },
    );
  }
}

/** @throws ApiError 404 */
export async function findJob({ state }: Training, owner: string, id: string): Promise<FineTuningJob> {
  const job = await state.jobs.find(owner, id);
  if (job) return job;
  throw new ApiError(404, 'not_found_error', `There is no fine-tuning job "${id}".`, {
    param: 'id',
    code: 'job_not_found',
  });
}

function wishOf({ method, hyperparameters, seed, config }: JobBody): TrainingWish {
  const type: MethodType = method?.type ?? 'supervised';
  return {
    method: type,
    hyperparameters: method?.[type]?.hyperparameters ?? hyperparameters ?? {},
    seed: seed ?? undefined,
    config: config ?? {},
  };
}

const shown = ({ n_epochs, batch_size, learning_rate_multiplier }: Hyperparameters) => ({
  n_epochs: n_epochs ?? ('auto' as const),
  batch_size: batch_size ?? ('auto' as const),
  learning_rate_multiplier: learning_rate_multiplier ?? ('auto' as const),
});

async function refuseTooMany({ state }: Training, owner: string): Promise<void> {
  if ((await state.jobs.unfinished(owner)) < MOST_JOBS) return;
  throw new ApiError(
    429,
    'rate_limit_error',
    `You have ${MOST_JOBS} jobs that are not over; wait for one, or cancel it.`,
    { code: 'too_many_jobs', retryAfter: 60 },
  );
}

const wrongStatus = (action: string, status: string): ApiError =>
  new ApiError(409, 'invalid_request_error', `A job that is ${status} cannot be asked to ${action}.`, {
    code: 'wrong_status',
  });
