import type { ForkOptions } from 'node:child_process';

/** Not for child processes: what they do not know they cannot tell. */
const SECRETS = new Set(['DATABASE_URL', 'UNICHARACTER_API_KEY']);

/** How the server starts its programs: without its keys, speaking over a channel, complaining to its error stream. */
export function childOptions(): ForkOptions {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.has(name)));
  return { env, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] };
}
