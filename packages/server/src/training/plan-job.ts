import type { TrainConfig } from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import { jobConfig, type TrainingFolders, type TrainingWish } from './job-config.js';
import type { DataPlan } from './messages.js';
import { NotTrainable, type Planner } from './planner.js';

/** What a job is going to do. */
export interface PlannedJob extends DataPlan {
  readonly config: TrainConfig;
}

/**
 * Looks at the data and turns a request into a configuration.
 * @throws ApiError 400 when something in the request, the data or their combination cannot be trained
 */
export async function planJob(
  planner: Planner,
  wish: TrainingWish,
  folders: TrainingFolders,
): Promise<PlannedJob> {
  const first = jobConfig(wish, folders);
  try {
    const planned = await planner.plan(first);
    if (wish.method !== 'supervised' || typeof wish.hyperparameters.n_epochs !== 'number') {
      return { config: first, ...planned };
    }
    const config = jobConfig(wish, folders, planned.plan.packs.packsPerEpoch);
    return { config, ...(await planner.plan(config)) };
  } catch (error) {
    if (!(error instanceof NotTrainable)) throw error;
    const why = withoutFolders(error.message, [folders.data, folders.validation]);
    throw invalidRequest(`This cannot be trained: ${why}`, 'training_file', 'not_trainable');
  }
}

/** A message without the places where uploads and runs lie. */
export function withoutFolders(message: string, folders: readonly (string | undefined)[]): string {
  return folders
    .filter((folder) => folder !== undefined)
    .reduce((text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'the data'), message);
}
