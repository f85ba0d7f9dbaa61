import { isRecord } from '../cards/character-card.js';
import type { JobProgress, StoredEvent } from '../state/fine-tuning-events.js';
import type { FineTuningJob } from '../state/fine-tuning-jobs.js';
import { folderless } from '../training/job-config.js';
import type { PlannedJob } from '../training/plan-job.js';
import { seconds } from './listing.js';

/** A job in OpenAI's shape, with fields of our own at the end. */
export function jobView(job: FineTuningJob, progress: JobProgress | undefined) {
  const { type, hyperparameters, stages } = job.method;
  const step = progress?.step;
  const running = job.status === 'running' && step !== undefined;
  return {
    id: job.id,
    object: 'fine_tuning.job',
    created_at: seconds(job.createdAt),
    finished_at: job.finishedAt && seconds(job.finishedAt),
    status: job.status,
    model: job.model,
    fine_tuned_model: job.fineTunedModel,
    training_file: job.source,
    validation_file: job.validationSource,
    suffix: job.suffix,
    seed: job.config.seed,
    method: { type, [type]: { hyperparameters } },
    hyperparameters,
    trained_tokens: progress?.trainedTokens ?? null,
    estimated_finish: running ? Math.ceil(Date.now() / 1000 + Number(step.eta_seconds)) : null,
    error: job.error,
    metadata: job.metadata,
    organization_id: 'unicharacter',
    result_files: [],
    integrations: [],
    character: job.source,
    character_name: job.characterName,
    requested: job.requested,
    stages,
    progress: step
      ? {
          stage: step.stage,
          step: step.step,
          steps: step.total_steps,
          losses: step.losses,
          tokens_per_second: step.tokens_per_second,
          eta_seconds: step.eta_seconds,
        }
      : null,
  };
}

/** The stages of a job and their lengths. */
export const stageLengths = ({ plan }: PlannedJob) =>
  plan.estimate.stages.map(({ stage, steps }) => ({ stage, steps }));

/** What a dry run answers. */
export function planView(
  request: { model: string; character: string },
  { config, character, findings, plan }: PlannedJob,
) {
  const { estimate, packs, pictures, heldOut } = plan;
  return {
    object: 'fine_tuning.plan',
    ...request,
    character_name: character,
    images: pictures,
    held_out: heldOut,
    parameters: estimate.parameters,
    memory_bytes: estimate.memoryBytes,
    seconds: estimate.seconds,
    stages: estimate.stages.map(({ stage, steps, trained, seconds: time, memory }) => ({
      stage,
      steps,
      trained_parameters: trained,
      seconds: time,
      memory_bytes: memory?.total ?? null,
    })),
    packs_per_epoch: packs.packsPerEpoch,
    tasks: packs.tasks.map(({ task, samples, tokens, rounds, tokenShare }) => ({
      task,
      samples,
      tokens,
      rounds,
      share: tokenShare,
    })),
    findings: findings.map(({ severity, message }) => ({ severity, message })),
    config: folderless(config),
  };
}

const EVENT_ID = /^ftevent-(\d{1,15})$/;

/** The serial number in the id of an event; undefined for text that is no such id. */
export function eventSerial(id: string): number | undefined {
  const digits = EVENT_ID.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** @param address makes the address of a stored picture */
export function eventView(
  { serial, level, message, data, createdAt }: StoredEvent,
  address: (id: string) => string,
) {
  return {
    id: `ftevent-${serial}`,
    object: 'fine_tuning.job.event',
    created_at: seconds(createdAt),
    level,
    type: data.kind === 'step' || data.kind === 'validation' ? 'metrics' : 'message',
    message,
    data: data.kind === 'sample' ? { ...data, samples: withAddresses(data.samples, address) } : data,
  };
}

function withAddresses(samples: unknown, address: (id: string) => string): object[] {
  const list: unknown[] = Array.isArray(samples) ? samples : [];
  return list.filter(isRecord).map(({ prompt, reply, picture }) => ({
    prompt,
    reply,
    url: typeof picture === 'string' ? address(picture) : null,
  }));
}
