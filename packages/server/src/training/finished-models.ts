import { type CharacterShelf, modelId } from '../character-shelf.js';
import type { FineTuningJob, FineTuningJobs, SucceededJob } from '../state/fine-tuning-jobs.js';
import type { JobFolders } from './job-folders.js';
import type { TrainingOptions } from './training-options.js';

/** Milliseconds that a transaction may take to be committed. */
const OVERLAP = 60_000;

/** Puts what jobs have made on the shelf, also what other servers on the same database made. */
export class FinishedModels {
  /** Jobs whose run cannot be served; they are reported once. */
  private readonly broken = new Set<string>();
  /** The latest end of a job that was seen. */
  private seen: Date | undefined;

  constructor(
    private readonly shelf: CharacterShelf,
    private readonly jobs: FineTuningJobs,
    private readonly folders: JobFolders,
    private readonly serve: TrainingOptions['serve'],
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Adds what is not on the shelf yet. */
  async shelve(): Promise<void> {
    // What another server was about to commit may be older than what was seen.
    const since = this.seen && new Date(this.seen.getTime() - OVERLAP);
    for (const made of await this.jobs.succeeded(since)) {
      if (made.finishedAt && !(this.seen && made.finishedAt <= this.seen)) this.seen = made.finishedAt;
      if (made.fineTunedModel !== null && !this.broken.has(made.id)) this.add(made.fineTunedModel, made);
    }
  }

  private add(model: string, { id, suffix, characterName }: SucceededJob): void {
    if (this.shelf.has(model)) return;
    try {
      const character = this.serve(this.folders.run(id));
      const name = suffix === null ? characterName : `${characterName} (${suffix})`;
      this.shelf.add({ ...character, name }, model);
    } catch (error) {
      // One run that is gone does not take the others with it.
      this.broken.add(id);
      this.onError(error);
    }
  }
}

/** The model id of a job's result: the character and the suffix for people, the beginning of the job's id to be unique. */
export function fineTunedModelId({
  id,
  characterName,
  suffix,
}: Pick<FineTuningJob, 'id' | 'characterName' | 'suffix'>): string {
  const unique = id.slice('ftjob-'.length, 'ftjob-'.length + 8);
  return `${modelId([characterName, suffix ?? ''].join(' '))}-${unique}`;
}
