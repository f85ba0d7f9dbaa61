import type { CharacterFiles } from '../cards/character-files.js';
import type { Serving } from '../serving.js';
import type { State } from '../state/state.js';
import { FinishedModels } from './finished-models.js';
import { JobFolders } from './job-folders.js';
import { JobWorker } from './job-worker.js';
import { Planner } from './planner.js';
import type { TrainingOptions } from './training-options.js';

/** What the addresses of fine-tuning work with. */
export interface Training {
  readonly state: State;
  readonly options: TrainingOptions;
  readonly folders: JobFolders;
  readonly worker: JobWorker;
  readonly planner: Planner;
}

/** Puts together what trains on this server; the worker is not started yet. */
export function makeTraining(
  { shelf, pictures }: Serving,
  state: State,
  files: CharacterFiles,
  options: TrainingOptions,
  onError: (error: unknown) => void,
): Training {
  const { jobs, jobEvents: events } = state;
  const folders = new JobFolders(options, files);
  const models = new FinishedModels(shelf, jobs, folders, options.serve, onError);
  const worker = new JobWorker({
    jobs,
    events,
    folders,
    pictures,
    leaseSeconds: options.leaseSeconds ?? 30,
    pollSeconds: options.pollSeconds ?? 2,
    onPoll: () => models.shelve(),
    onError,
  });
  return { state, options, folders, worker, planner: new Planner() };
}
