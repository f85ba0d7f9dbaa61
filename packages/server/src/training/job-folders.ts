import { join } from 'node:path';
import type { TrainConfig } from '@unicharacter/core';
import type { CharacterFiles } from '../cards/character-files.js';
import { ApiError } from '../errors.js';
import type { FineTuningJob } from '../state/fine-tuning-jobs.js';
import type { TrainingFolders } from './job-config.js';
import type { TrainingOptions } from './training-options.js';

/** Where the data, the base models and the runs of jobs lie. */
export class JobFolders {
  constructor(
    private readonly options: Pick<TrainingOptions, 'runs' | 'bases'>,
    private readonly files: CharacterFiles,
  ) {}

  /** The run folder of a job. */
  run(id: string): string {
    return join(this.options.runs, id);
  }

  /** The folder to train on of an upload. */
  data(source: string): string {
    return this.files.data(source);
  }

  /** @throws ApiError 404 for a base model that the server does not have */
  forJob({ id, model, source, validationSource }: JobPlace): TrainingFolders {
    return {
      data: this.data(source),
      base: this.base(model),
      out: this.run(id),
      ...(validationSource === null ? {} : { validation: this.data(validationSource) }),
    };
  }

  /** The stored configuration of a job with its folders. */
  config(job: FineTuningJob): TrainConfig {
    const { data, base, out, validation } = this.forJob(job);
    const held = { ...job.config.validation, ...(validation === undefined ? {} : { data: validation }) };
    return { ...job.config, data, base, out, validation: held };
  }

  private base(model: string): string {
    const { bases } = this.options;
    const folder = Object.hasOwn(bases, model) ? bases[model] : undefined;
    if (folder !== undefined) return folder;
    const known = Object.keys(bases).map((name) => `"${name}"`);
    throw new ApiError(
      404,
      'not_found_error',
      `There is no base model "${model.slice(0, 80)}"; this server has ${known.join(', ') || 'none'}.`,
      { param: 'model', code: 'model_not_found' },
    );
  }
}

type JobPlace = Pick<FineTuningJob, 'id' | 'model' | 'source' | 'validationSource'>;
