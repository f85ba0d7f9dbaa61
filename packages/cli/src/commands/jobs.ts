import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { formatCount, formatSeconds, formatTable, formatValue } from '../format.js';
import { collect, integer, number } from '../options.js';
import { type Job, ServerClient, type ServerJobEvent } from '../server-client.js';
import { watchJob } from '../watch-job.js';
import { type CreateJobOptions, createJob } from './create-job.js';

export interface ServerOptions {
  url: string;
  apiKey?: string;
}

/** Events that `show` prints. */
const SHOWN = 10;

/** `unicharacter jobs`: trains on a running server. */
export function addJobs(program: Command, context: CommandContext): void {
  const jobs = program
    .command('jobs')
    .description('train characters on a running server: create, list, watch, pause, resume and cancel jobs')
    .addHelpText(
      'after',
      `
The server is one that "unicharacter serve" started, here or elsewhere. Its key may stand in UNICHARACTER_API_KEY.

Examples:
  $ unicharacter jobs create --data data/mimi --consent --watch
  $ unicharacter jobs create --data data/mimi --consent --model nano-toy --set sft.steps=200 --dry-run
  $ unicharacter jobs list
  $ unicharacter jobs watch ftjob-0123456789abcdef01234567`,
    );
  const command = (name: string) =>
    jobs
      .command(name)
      .option(
        '--url <address>',
        'address of the server',
        context.env.UNICHARACTER_URL ?? 'http://127.0.0.1:8080',
      )
      .option('--api-key <key>', 'key of the server (better: UNICHARACTER_API_KEY)');
  const client = ({ url, apiKey }: ServerOptions): ServerClient =>
    new ServerClient(url, apiKey ?? context.env.UNICHARACTER_API_KEY);

  addCreate(command('create'), (options) => createJob(context, client(options), options));
  command('list')
    .description('your jobs, the newest first')
    .option('--limit <n>', 'how many', integer(1), 20)
    .action((options: ServerOptions & { limit: number }) => list(context, client(options), options.limit));
  command('models')
    .description('base models that the server can train on')
    .action((options: ServerOptions) => models(context, client(options)));
  command('show')
    .description('a job and what happened last')
    .argument('<id>', 'as listed')
    .action((id: string, options: ServerOptions) => show(context, client(options), id));
  command('watch')
    .description('follow a job to its end; fails when the job does. Ctrl-C leaves the job running')
    .argument('<id>', 'as listed')
    .action((id: string, options: ServerOptions) => watchJob(context, client(options), id));
  for (const [action, description] of Object.entries(ACTIONS)) {
    command(action)
      .description(description)
      .argument('<id>', 'as listed')
      .action((id: string, options: ServerOptions) => act(context, client(options), id, action));
  }
}

const ACTIONS = {
  cancel: 'end a job after its present step; checkpoints stay on the server',
  pause: 'stop a job after its present step',
  resume: 'let a paused or failed job go on from its last checkpoint',
};

function addCreate(command: Command, action: (options: CreateJobOptions) => Promise<void>): void {
  command
    .description('train a character')
    .option('--data <path>', 'folder of the character, or a ZIP of it')
    .option('--file <id>', 'archive that is on the server already')
    .option('--character <id>', 'uploaded character that is on the server already')
    .option('--model <name>', 'base model (default: the first of "jobs models")')
    .option('--consent', 'the depicted person agrees, or nobody real is depicted')
    .option('--provenance <text>', 'where the character comes from')
    .option('--suffix <text>', "part of the new model's name")
    .option('--reinforcement', 'learn from rewards afterwards: Character-GRPO')
    .option('--epochs <n>', 'passes over the data, or epochs of Character-GRPO', integer(1))
    .option('--batch-size <n>', 'packs per step, or prompts per epoch of Character-GRPO', integer(1))
    .option('--learning-rate-multiplier <x>', 'of the default learning rate', number(1e-6, 1000))
    .option('--seed <n>', 'seed of all random numbers', integer(0))
    .option(
      '--set <key=value>',
      'set any value of the training configuration, as often as needed',
      collect,
      [],
    )
    .option('--dry-run', 'show data, memory and time; train nothing')
    .option('--watch', 'follow the job to its end')
    .action(action);
}

async function list({ terminal }: CommandContext, client: ServerClient, limit: number): Promise<void> {
  const { data } = await client.get<{ data: Job[] }>(`fine_tuning/jobs?limit=${limit}`);
  const rows = data.map((job) => [job.id, job.character_name, job.model, statusOf(job), resultOf(job)]);
  terminal.out(
    data.length === 0
      ? 'No jobs yet.\n'
      : `${formatTable([['id', 'character', 'base', 'status', 'progress or result'], ...rows])}\n`,
  );
}

async function models({ terminal }: CommandContext, client: ServerClient): Promise<void> {
  const { data } = await client.get<{ data: { id: string; parameters: number; pretrained: boolean }[] }>(
    'fine_tuning/models',
  );
  const rows = data.map(({ id, parameters, pretrained }) => [
    id,
    formatCount(parameters),
    pretrained ? 'yes' : 'no',
  ]);
  terminal.out(`${formatTable([['id', 'parameters', 'pre-trained'], ...rows])}\n`);
}

async function show({ terminal }: CommandContext, client: ServerClient, id: string): Promise<void> {
  const job = await client.get<Job>(`fine_tuning/jobs/${encodeURIComponent(id)}`);
  const { data } = await client.get<{ data: ServerJobEvent[] }>(
    `fine_tuning/jobs/${encodeURIComponent(id)}/events?limit=${SHOWN}`,
  );
  const rows = [
    ['status', statusOf(job)],
    ['character', `${job.character_name} (${job.training_file})`],
    ['base', job.model],
    ['stages', job.stages.map(({ stage, steps }) => `${stage} ${steps}`).join(', ')],
    ['seed', String(job.seed)],
    ['result', resultOf(job)],
    ...Object.entries(job.progress?.losses ?? {}).map(([name, value]) => [
      `loss ${name}`,
      formatValue(value),
    ]),
    ...(job.error ? [['error', job.error.message]] : []),
  ];
  const events = data.toReversed().map(({ created_at, message }) => `${time(created_at)}  ${message}`);
  const width = Math.max(...rows.map(([name]) => name!.length));
  terminal.out(
    `${[id, ...rows.map(([name, value]) => `${name!.padEnd(width)}  ${value}`), '', ...events].join('\n')}\n`,
  );
}

async function act(
  { terminal }: CommandContext,
  client: ServerClient,
  id: string,
  action: string,
): Promise<void> {
  const job = await client.post<Job>(`fine_tuning/jobs/${encodeURIComponent(id)}/${action}`);
  terminal.out(`${id}: ${statusOf(job)}\n`);
}

const statusOf = ({ status, requested }: Job): string =>
  requested ? `${status}, asked to ${requested}` : status;

function resultOf({
  fine_tuned_model: model,
  progress,
  error,
  status,
  estimated_finish: finish,
}: Job): string {
  if (model !== null) return model;
  if (error) return error.message.split('\n')[0]!.slice(0, 60);
  if (!progress) return '-';
  const left = finish === null ? '' : `, ${formatSeconds(finish - Date.now() / 1000)} left`;
  return `${progress.stage} ${progress.step}/${progress.steps}${status === 'running' ? left : ''}`;
}

const time = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 19);
