import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '@unicharacter/server';
import type { CommandContext } from './context.js';
import { defined } from './options.js';
import { fromUser } from './paths.js';

/** The options that say where a server's state lies. */
export interface StateOptions {
  state?: string;
  runs?: string;
}

/**
 * Opens the state of a server for `work` and closes it afterwards: `DATABASE_URL`, else the folder named with `--state`, else
 * `.state` beside the runs.
 * @throws StateError when a server has it open
 */
export async function withState<T>(
  { folder, env }: CommandContext,
  where: StateOptions,
  work: (state: State) => Promise<T>,
): Promise<T> {
  const { openState } = await import('@unicharacter/server');
  const databaseUrl = env.DATABASE_URL;
  const opened = await openState({ folder: stateFolder(folder, where), ...defined({ databaseUrl }) });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** False where nothing has been kept yet, so that it can hold no keys. */
export const stateExists = ({ folder, env }: CommandContext, where: StateOptions): boolean =>
  env.DATABASE_URL !== undefined || existsSync(stateFolder(folder, where));

/** Where the state lies that is not in PostgreSQL. */
export const stateFolder = (folder: string, { state, runs = 'runs' }: StateOptions): string =>
  fromUser(folder, state ?? join(runs, '.state'));
