import { type TSchema, Type } from '@fastify/type-provider-typebox';
import { JOB_STATUSES } from '../state/schema.js';
import { choice, closed, Moment, nullable } from './answers.js';

const Count = Type.Integer({ minimum: 0 });
const Stage = choice('vae', 'sft', 'grpo', 'text-grpo');
const orAuto = (number: TSchema) => Type.Union([Type.Literal('auto'), number]);
/** What is no number arrives as null. */
const Numbers = Type.Record(Type.String(), nullable(Type.Number()));

export const BaseModel = closed({
  id: Type.String(),
  object: Type.Literal('model'),
  parameters: Count,
  pretrained: Type.Boolean(),
});

const Hyperparameters = closed({
  n_epochs: orAuto(Type.Integer()),
  batch_size: orAuto(Type.Integer()),
  learning_rate_multiplier: orAuto(Type.Number()),
});
const Method = Type.Union([
  closed({
    type: Type.Literal('supervised'),
    supervised: closed({ hyperparameters: Hyperparameters }),
  }),
  closed({
    type: Type.Literal('reinforcement'),
    reinforcement: closed({ hyperparameters: Hyperparameters }),
  }),
]);

export const Job = closed({
  id: Type.String({ pattern: '^ftjob-[0-9a-f]{24}$' }),
  object: Type.Literal('fine_tuning.job'),
  created_at: Moment,
  finished_at: nullable(Moment),
  status: choice(...JOB_STATUSES),
  model: Type.String(),
  fine_tuned_model: nullable(Type.String()),
  training_file: Type.String(),
  validation_file: nullable(Type.String()),
  suffix: nullable(Type.String()),
  seed: Count,
  method: Method,
  hyperparameters: Hyperparameters,
  trained_tokens: nullable(Count),
  estimated_finish: nullable(Moment),
  error: nullable(closed({ code: Type.String(), message: Type.String(), param: nullable(Type.String()) })),
  metadata: nullable(Type.Record(Type.String(), Type.String())),
  organization_id: Type.String(),
  result_files: Type.Array(Type.String(), { maxItems: 0 }),
  integrations: Type.Array(Type.Unknown(), { maxItems: 0 }),
  character: Type.String(),
  character_name: Type.String(),
  requested: nullable(choice('cancel', 'pause')),
  stages: Type.Array(closed({ stage: Stage, steps: Count })),
  progress: nullable(
    closed({
      stage: Stage,
      step: Count,
      steps: Count,
      losses: Numbers,
      tokens_per_second: Type.Number(),
      eta_seconds: Type.Number(),
    }),
  ),
});

/** What a dry run answers. */
export const JobPlan = closed({
  object: Type.Literal('fine_tuning.plan'),
  model: Type.String(),
  character: Type.String(),
  character_name: Type.String(),
  images: Count,
  held_out: Count,
  parameters: Count,
  memory_bytes: Type.Number({ minimum: 0 }),
  seconds: Type.Number({ minimum: 0 }),
  stages: Type.Array(
    closed({
      stage: Stage,
      steps: Count,
      trained_parameters: Count,
      seconds: Type.Number({ minimum: 0 }),
      memory_bytes: nullable(Type.Number({ minimum: 0 })),
    }),
  ),
  packs_per_epoch: Type.Number({ minimum: 0 }),
  tasks: Type.Array(
    closed({
      task: Type.String(),
      samples: Count,
      tokens: Type.Number({ minimum: 0 }),
      rounds: Type.Number({ minimum: 0 }),
      share: Type.Number({ minimum: 0, maximum: 1 }),
    }),
  ),
  findings: Type.Array(closed({ severity: choice('error', 'warning', 'info'), message: Type.String() })),
  /** The whole configuration, without places in the file system. */
  config: Type.Record(Type.String(), Type.Unknown()),
});

export const JobEvent = closed({
  id: Type.String({ pattern: '^ftevent-[0-9]+$' }),
  object: Type.Literal('fine_tuning.job.event'),
  created_at: Moment,
  level: choice('info', 'warn', 'error'),
  type: choice('message', 'metrics'),
  message: Type.String(),
  /** What `kind` says decides about the other fields; docs/api-fine-tuning.md lists them. */
  data: Type.Object({ kind: Type.String() }),
});

export const Checkpoint = closed({
  id: Type.String(),
  object: Type.Literal('fine_tuning.job.checkpoint'),
  created_at: Moment,
  fine_tuning_job_id: Type.String(),
  fine_tuned_model_checkpoint: Type.String(),
  step_number: Count,
  metrics: closed({
    step: Count,
    train_loss: nullable(Type.Number()),
    valid_loss: nullable(Type.Number()),
  }),
  stage: Stage,
});
