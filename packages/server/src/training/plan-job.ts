import {
  DataError,
  ImageError,
  ModelConfigError,
  planTraining,
  type TrainConfig,
  TrainError,
  type TrainingPlan,
} from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import { jobConfig, type TrainingFolders, type TrainingWish } from './job-config.js';

/** What a job is going to do. */
export interface PlannedJob {
  readonly config: TrainConfig;
  readonly plan: TrainingPlan;
}

/**
 * Looks at the data and turns a request into a configuration.
 * @throws ApiError 400 when something in the request, the data or their combination cannot be trained
 */
export async function planJob(wish: TrainingWish, folders: TrainingFolders): Promise<PlannedJob> {
  const first = jobConfig(wish, folders);
  const plan = await planned(first, folders);
  const errors = plan.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw notTrainable(errors.map(({ message }) => message).join('\n'));
  if (typeof wish.hyperparameters.n_epochs !== 'number') return { config: first, plan };
  const tokens = plan.data.tasks.reduce((sum, task) => sum + task.tokens, 0);
  const config = jobConfig(wish, folders, tokens);
  return { config, plan: await planned(config, folders) };
}

async function planned(config: TrainConfig, { data, validation }: TrainingFolders): Promise<TrainingPlan> {
  try {
    return await planTraining(config);
  } catch (error) {
    const ofData = [DataError, ImageError, ModelConfigError, TrainError].some(
      (kind) => error instanceof kind,
    );
    if (!ofData || !(error instanceof Error)) throw error;
    throw notTrainable(withoutFolders(error.message, [data, validation]));
  }
}

/** A message without the places where uploads and runs lie. */
export function withoutFolders(message: string, folders: readonly (string | undefined)[]): string {
  return folders
    .filter((folder) => folder !== undefined)
    .reduce((text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'the data'), message);
}

const notTrainable = (why: string) =>
  invalidRequest(`This cannot be trained: ${why}`, 'training_file', 'not_trainable');
