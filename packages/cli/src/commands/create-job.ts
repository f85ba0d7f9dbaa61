import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { CommandContext } from '../context.js';
import { UsageError } from '../errors.js';
import { formatBytes, formatCount, formatSeconds, formatTable } from '../format.js';
import { defined } from '../options.js';
import { fromUser } from '../paths.js';
import type { Job, ServerClient } from '../server-client.js';
import { watchJob } from '../watch-job.js';
import type { ServerOptions } from './jobs.js';

export interface CreateJobOptions extends ServerOptions {
  data?: string;
  file?: string;
  character?: string;
  model?: string;
  consent?: true;
  provenance?: string;
  suffix?: string;
  reinforcement?: true;
  epochs?: number;
  batchSize?: number;
  learningRateMultiplier?: number;
  seed?: number;
  set: string[];
  dryRun?: true;
  watch?: true;
}

interface Plan {
  character_name: string;
  images: number;
  parameters: number;
  memory_bytes: number;
  seconds: number;
  stages: { stage: string; steps: number }[];
  tasks: { task: string; samples: number; tokens: number; share: number }[];
  findings: { severity: string; message: string }[];
}

/** `unicharacter jobs create`: uploads a character, unless it is there, and trains it. */
export async function createJob(
  context: CommandContext,
  client: ServerClient,
  options: CreateJobOptions,
): Promise<void> {
  const core = await context.core();
  const config = Object.fromEntries(options.set.map((text) => core.parseOverride(text)));
  const source = await sourceOf(context, client, options);
  const model = options.model ?? (await firstModel(client));
  const request = { ...source, model, config, ...requestOf(options) };
  if (options.dryRun) {
    context.terminal.out(
      describePlan(await client.post<Plan>('fine_tuning/jobs', { ...request, dry_run: true })),
    );
    return;
  }
  const { id, stages } = await client.post<Job>('fine_tuning/jobs', request);
  const length = stages.map(({ stage, steps }) => `${stage} ${steps}`).join(', ');
  context.terminal.err(
    `Created on ${model}: ${length}.${options.watch ? '' : ` Follow it: unicharacter jobs watch ${id}`}\n`,
  );
  context.terminal.out(`${id}\n`);
  if (options.watch) await watchJob(context, client, id);
}

/** What of the request comes straight from the options. */
function requestOf(options: CreateJobOptions): object {
  const { suffix, seed, consent, provenance, reinforcement, epochs, batchSize, learningRateMultiplier } =
    options;
  const hyperparameters = defined({
    n_epochs: epochs,
    batch_size: batchSize,
    learning_rate_multiplier: learningRateMultiplier,
  });
  const type = reinforcement ? 'reinforcement' : 'supervised';
  return {
    ...defined({ suffix, seed }),
    method: { type, [type]: { hyperparameters } },
    metadata: { ...(consent ? { consent: 'true' } : {}), ...defined({ provenance }) },
  };
}

/** @throws UsageError unless exactly one source is named */
async function sourceOf(
  { folder }: CommandContext,
  client: ServerClient,
  { data, file, character }: CreateJobOptions,
): Promise<{ training_file: string } | { character: string }> {
  if ([data, file, character].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError('Name what to train on with one of --data, --file and --character.');
  }
  if (character !== undefined) return { character };
  if (file !== undefined) return { training_file: file };
  const path = fromUser(folder, data!);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UsageError(`${path} does not exist; expected a character's folder or a ZIP of it.`);
  const form = new FormData();
  form.set('purpose', 'fine-tune');
  form.set('file', new Blob([new Uint8Array(await archive(path, found.isDirectory()))]), archiveName(path));
  const { id } = await client.upload<{ id: string }>('files', form);
  return { training_file: id };
}

async function archive(path: string, isFolder: boolean): Promise<Buffer> {
  if (!isFolder) return readFileSync(path);
  const { archiveOfFolder } = await import('@unicharacter/server');
  return archiveOfFolder(path);
}

const archiveName = (path: string): string =>
  path.endsWith('.zip') ? basename(path) : `${basename(path)}.zip`;

async function firstModel(client: ServerClient): Promise<string> {
  const { data } = await client.get<{ data: { id: string }[] }>('fine_tuning/models');
  const [first] = data;
  if (first) return first.id;
  throw new UsageError('The server has no base model to train on.');
}

function describePlan(plan: Plan): string {
  const tasks = plan.tasks.map(({ task, samples, tokens, share }) => [
    task,
    String(samples),
    formatCount(tokens),
    `${(100 * share).toFixed(0)}%`,
  ]);
  return `${[
    `${plan.character_name}: ${plan.images} images`,
    formatTable([['task', 'samples', 'tokens', 'share'], ...tasks]),
    ...plan.findings.map(({ severity, message }) => `${severity}: ${message}`),
    '',
    `stages      ${plan.stages.map(({ stage, steps }) => `${stage} ${steps}`).join(', ')}`,
    `parameters  ${formatCount(plan.parameters)}`,
    `memory      about ${formatBytes(plan.memory_bytes)}`,
    `time        about ${formatSeconds(plan.seconds)} on the server`,
    '',
    'Nothing is trained. The same command without --dry-run begins.',
  ].join('\n')}\n`;
}
