import type { ApiKey } from '@unicharacter/server';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { UsageError } from '../errors.js';
import { formatTable } from '../format.js';
import { defined, integer } from '../options.js';
import { type StateOptions, withState } from '../state-option.js';

interface CreateOptions extends StateOptions {
  name: string;
  requestsPerMinute?: number;
  concurrent?: number;
}

/** `unicharacter keys`: API keys with limits of their own. */
export function addKeys(program: Command, context: CommandContext): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke the API keys of a server')
    .addHelpText(
      'after',
      `
An embedded state belongs to one process: stop the server first, or keep its state in PostgreSQL (DATABASE_URL).

Examples:
  $ unicharacter keys create --name phone --requests-per-minute 30 --concurrent 2
  $ unicharacter keys list
  $ unicharacter keys revoke key_0123456789ab`,
    );
  const command = (name: string) =>
    keys.command(name).option('--state <dir>', "folder of the server's state", 'runs/.state');
  command('create')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'whose key it is, for the list')
    .option('--requests-per-minute <n>', 'limit of requests per minute (default: none)', integer(1))
    .option('--concurrent <n>', 'limit of requests at once (default: none)', integer(1))
    .action((options: CreateOptions) => create(context, options));
  command('list')
    .description('all keys, without their secrets')
    .action((options: StateOptions) => list(context, options));
  command('revoke')
    .description('stop accepting a key')
    .argument('<id>', 'as listed')
    .action((id: string, options: StateOptions) => revoke(context, id, options));
}

async function create(
  context: CommandContext,
  { name, requestsPerMinute, concurrent: concurrentRequests, ...where }: CreateOptions,
): Promise<void> {
  const limits = defined({ requestsPerMinute, concurrentRequests });
  const { key, id } = await withState(context, where, (state) => state.keys.create({ name, ...limits }));
  context.terminal.err(`${id} for ${name}. This is the only time the key is shown:\n`);
  context.terminal.out(`${key}\n`);
}

async function list(context: CommandContext, options: StateOptions): Promise<void> {
  const keys = await withState(context, options, (state) => state.keys.list());
  context.terminal.out(
    keys.length === 0
      ? 'No keys yet.\n'
      : formatTable([['id', 'name', 'per minute', 'at once', 'made', 'revoked'], ...keys.map(row)]),
  );
}

const row = ({ id, name, requestsPerMinute, concurrentRequests, createdAt, revokedAt }: ApiKey): string[] => [
  id,
  name,
  String(requestsPerMinute ?? '-'),
  String(concurrentRequests ?? '-'),
  createdAt.toISOString().slice(0, 10),
  revokedAt?.toISOString().slice(0, 10) ?? '-',
];

async function revoke(context: CommandContext, id: string, options: StateOptions): Promise<void> {
  const revoked = await withState(context, options, (state) => state.keys.revoke(id));
  if (!revoked)
    throw new UsageError(`There is no key ${id} that could be revoked; "unicharacter keys list".`);
  context.terminal.out(`${id} is not accepted any more.\n`);
}
