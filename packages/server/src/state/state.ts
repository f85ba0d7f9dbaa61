import { ApiKeys } from './api-keys.js';
import { Characters } from './characters.js';
import { Conversations } from './conversations.js';
import { type OpenDatabase, openEmbedded, openServer } from './database.js';
import { FineTuningEvents } from './fine-tuning-events.js';
import { FineTuningJobs } from './fine-tuning-jobs.js';
import { TrainingFiles } from './training-files.js';

export interface StateOptions {
  /** Folder of the embedded database; undefined keeps it in memory. */
  folder?: string;
  /** Address of a PostgreSQL server, which is then used instead. */
  databaseUrl?: string;
}

/** What a server remembers. */
export class State {
  readonly conversations: Conversations;
  readonly keys: ApiKeys;
  readonly characters: Characters;
  readonly trainingFiles: TrainingFiles;
  readonly jobs: FineTuningJobs;
  readonly jobEvents: FineTuningEvents;

  constructor(private readonly open: OpenDatabase) {
    this.conversations = new Conversations(open.database);
    this.characters = new Characters(open.database);
    this.keys = new ApiKeys(open.database);
    this.trainingFiles = new TrainingFiles(open.database);
    this.jobEvents = new FineTuningEvents(open.database);
    this.jobs = new FineTuningJobs(open.database, this.jobEvents);
  }

  /** True when no other process can have it open. */
  get exclusive(): boolean {
    return this.open.exclusive;
  }

  close(): Promise<void> {
    return this.open.close();
  }
}

/** @throws StateError when it cannot be opened, with what to do about it */
export async function openState({ folder, databaseUrl }: StateOptions): Promise<State> {
  return new State(await (databaseUrl === undefined ? openEmbedded(folder) : openServer(databaseUrl)));
}
