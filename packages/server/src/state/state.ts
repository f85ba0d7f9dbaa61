import { ApiKeys } from './api-keys.js';
import { Characters } from './characters.js';
import { Conversations } from './conversations.js';
import { type OpenDatabase, openEmbedded, openServer } from './database.js';

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

  constructor(private readonly open: OpenDatabase) {
    this.conversations = new Conversations(open.database);
    this.characters = new Characters(open.database);
    this.keys = new ApiKeys(open.database);
  }

  close(): Promise<void> {
    return this.open.close();
  }
}

/** @throws StateError when it cannot be opened, with what to do about it */
export async function openState({ folder, databaseUrl }: StateOptions): Promise<State> {
  return new State(await (databaseUrl === undefined ? openEmbedded(folder) : openServer(databaseUrl)));
}
