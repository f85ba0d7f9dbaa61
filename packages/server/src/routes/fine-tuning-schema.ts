import { type Static, Type } from '@fastify/type-provider-typebox';
import { StorableText } from '../storable-text.js';

const optional = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Optional(Type.Union([Type.Null(), type]));

const setting = (number: ReturnType<typeof Type.Number | typeof Type.Integer>) =>
  Type.Optional(Type.Union([Type.Literal('auto'), number]));

const Hyperparameters = Type.Object({
  n_epochs: setting(Type.Integer({ minimum: 1, maximum: 10_000 })),
  batch_size: setting(Type.Integer({ minimum: 1, maximum: 4096 })),
  learning_rate_multiplier: setting(Type.Number({ exclusiveMinimum: 0, maximum: 1000 })),
});

const Method = Type.Object({
  type: Type.Union([Type.Literal('supervised'), Type.Literal('reinforcement')]),
  supervised: optional(Type.Object({ hyperparameters: optional(Hyperparameters) })),
  reinforcement: optional(
    Type.Object({
      hyperparameters: optional(Hyperparameters),
      // Rewards are options of the training configuration (grpo.rewards).
      grader: Type.Optional(Type.Null()),
    }),
  ),
});

/** OpenAI's request for a fine-tuning job, with `character`, `config` and `dry_run` added. */
export const JobBody = Type.Object({
  model: Type.String({ minLength: 1, maxLength: 200 }),
  training_file: optional(Type.String({ maxLength: 200 })),
  character: optional(Type.String({ maxLength: 200 })),
  validation_file: optional(Type.String({ maxLength: 200 })),
  suffix: optional(StorableText({ minLength: 1, maxLength: 64 })),
  seed: optional(Type.Integer({ minimum: 0, maximum: 0xffffffff })),
  method: optional(Method),
  hyperparameters: optional(Hyperparameters),
  metadata: optional(
    Type.Record(Type.String(), StorableText({ maxLength: 512 }), {
      maxProperties: 16,
      propertyNames: StorableText({ maxLength: 64 }),
    }),
  ),
  integrations: optional(Type.Array(Type.Unknown(), { maxItems: 0 })),
  config: optional(Type.Record(Type.String(), Type.Unknown())),
  dry_run: Type.Optional(Type.Boolean()),
});
export type JobBody = Static<typeof JobBody>;

export const JobParams = Type.Object({ id: Type.String({ pattern: '^ftjob-[0-9a-f]{24}$' }) });
