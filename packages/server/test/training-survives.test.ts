/** The training process and the server, killed in the middle of a job: it ends with the numbers of one that was left alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { tinyWorld } from '../../core/test/train/tiny-run.js';
import { lossesOf, olmoArchive, TINY_CONFIG } from './train-tiny.js';

const SERVER = fileURLToPath(new URL('training-server.mjs', import.meta.url));
const STEPS = 24;

const { root, base } = tinyWorld();
let server: ChildProcess | undefined;
let address = '';
afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const started = spawn(process.execPath, [SERVER, root, base], { stdio: ['ignore', 'pipe', 'inherit'] });
  server = started;
  address = await new Promise((resolve, reject) => {
    started.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
    started.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)));
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** The process that trains, as it says in the run folder. */
const trainingPid = (id: string): number =>
  Number(readFileSync(join(root, 'runs', id, 'train.lock'), 'utf8'));

interface Job {
  id: string;
  status: string;
  fine_tuned_model: string | null;
  progress: { stage: string; step: number } | null;
}

async function api<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`${address}/v1/${path}`, init);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const post = <T>(path: string, body: object) =>
  api<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function create(): Promise<string> {
  const form = new FormData();
  form.set('purpose', 'fine-tune');
  form.set('consent', 'true');
  form.set('file', new Blob([new Uint8Array(olmoArchive())]), 'olmo.zip');
  const file = await api<{ id: string }>('files', { method: 'POST', body: form });
  const config = { ...TINY_CONFIG, 'sft.steps': STEPS, 'checkpoints.every': 6 };
  return (await post<Job>('fine_tuning/jobs', { model: 'tiny', training_file: file.id, config })).id;
}

async function until(id: string, found: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const job = await api<Job>(`fine_tuning/jobs/${id}`);
    expect(job.status).not.toBe('failed');
    if (found(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const beyond = (step: number) => (job: Job) => job.progress?.stage === 'sft' && job.progress.step > step;

it('goes on after kill -9 of the training process and of the server, with the same losses', async () => {
  await start();
  const whole = await create();
  await until(whole, ({ status }) => status === 'succeeded');

  const id = await create();
  await until(id, beyond(7));
  process.kill(trainingPid(id), 'SIGKILL');
  await until(id, beyond(13));
  await kill(server!);
  await start();
  const { fine_tuned_model: model } = await until(id, ({ status }) => status === 'succeeded');

  const runs = join(root, 'runs');
  const expected = lossesOf(join(runs, whole));
  expect(expected).toHaveLength(4 + STEPS);
  expect(lossesOf(join(runs, id))).toEqual(expected);
  // What clients are told is what the run has logged, each step once.
  const { data } = await api<{ data: { data: Record<string, unknown> }[] }>(
    `fine_tuning/jobs/${id}/events?order=asc&limit=1000`,
  );
  const steps = data.filter((event) => event.data.kind === 'step').map((event) => event.data);
  expect(steps.map(({ stage, step, losses }) => [stage, step, losses])).toEqual(expected);
  expect(data.filter((event) => event.data.kind === 'resume')).toHaveLength(2);

  const models = await api<{ data: { id: string }[] }>('models');
  expect(models.data.map((entry) => entry.id)).toContain(model);
  const answer = await post<{ choices: object[] }>('chat/completions', {
    model,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  expect(answer.choices).toHaveLength(1);
}, 300_000);
