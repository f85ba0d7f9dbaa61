import {
  DataError,
  type Finding,
  ImageError,
  inspectCharacter,
  ModelConfigError,
  planRun,
  type RunPlan,
  readCharacter,
  type TrainConfig,
  TrainError,
} from '@unicharacter/core';
import { invalidRequest } from '../errors.js';
import { jobConfig, type TrainingFolders, type TrainingWish } from './job-config.js';

/** What a job is going to do. */
export interface PlannedJob {
  readonly config: TrainConfig;
  /** The character's name. */
  readonly character: string;
  readonly findings: readonly Finding[];
  readonly plan: RunPlan;
}

/** What is wrong with the data or their combination with the configuration, not with the server. */
const USERS_ERRORS = [DataError, ImageError, ModelConfigError, TrainError, RangeError];

/**
 * Looks at the data and turns a request into a configuration.
 * @throws ApiError 400 when something in the request, the data or their combination cannot be trained
 */
export async function planJob(wish: TrainingWish, folders: TrainingFolders): Promise<PlannedJob> {
  const first = jobConfig(wish, folders);
  try {
    const character = await readCharacter(folders.data);
    const { findings } = await inspectCharacter(character, { mix: first.sft.mix });
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length > 0) throw notTrainable(errors.map(({ message }) => message).join('\n'), folders);
    const plan = await planRun(first);
    const found = { character: character.name, findings };
    if (wish.method !== 'supervised' || typeof wish.hyperparameters.n_epochs !== 'number') {
      return { config: first, plan, ...found };
    }
    const config = jobConfig(wish, folders, plan.packs.packsPerEpoch);
    return { config, plan: await planRun(config), ...found };
  } catch (error) {
    if (!USERS_ERRORS.some((kind) => error instanceof kind)) throw error;
    throw notTrainable((error as Error).message, folders);
  }
}

/** A message without the places where uploads and runs lie. */
export function withoutFolders(message: string, folders: readonly (string | undefined)[]): string {
  return folders
    .filter((folder) => folder !== undefined)
    .reduce((text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'the data'), message);
}

const notTrainable = (why: string, { data, validation }: TrainingFolders) =>
  invalidRequest(
    `This cannot be trained: ${withoutFolders(why, [data, validation])}`,
    'training_file',
    'not_trainable',
  );
