import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoggedEvent, readEvents, type StepEvent } from '@unicharacter/core';

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const PROGRAM = fromHere('../../bin/unicharacter.js');
/** The character that comes with the project. */
export const OLMO = fromHere('../../../../examples/olmo/train/Olmo');

const NANO = fromHere('../../../../models/nano');

/** Makes a base model that is much smaller than nano, with nano's tokenizer. */
export function makeTinyBase(folder: string): string {
  const base = join(folder, 'tiny');
  cpSync(NANO, base, { recursive: true, filter: (path) => !path.endsWith('.safetensors') });
  shrink(join(base, 'llm_config.json'), { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2 });
  shrink(join(base, 'vit_config.json'), { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2 });
  return base;
}

function shrink(path: string, changes: Record<string, number>): void {
  const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...config, ...changes }));
}

/** Settings that make a training last seconds: tiny pictures, short packs, few steps. */
export const TINY: readonly string[] = [
  'image.size=32',
  'vae.crop=32',
  'vae.batchSize=2',
  'vae.steps=6',
  'vae.optimizer.warmupSteps=1',
  'sft.steps=16',
  'sft.tokensPerPack=256',
  'sft.optimizer.warmupSteps=1',
  'checkpoints.every=2',
  'samples.every=0',
  'samples.talk=[Hello]',
  'samples.draw=[a pond]',
  'generate.text.maxTokens=12',
  'generate.image.steps=4',
].flatMap((setting) => ['--set', setting]);

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  outcome: Promise<Outcome>;
}

/** Starts the command in `cwd`, as a user's shell would. */
export function start(args: readonly string[], cwd: string, program: readonly string[] = []): Running {
  const [file = process.execPath, ...before] = [...program, process.execPath];
  const child = spawn(file, [...before, PROGRAM, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, outcome };
}

/** Runs the command to its end. */
export const unicharacter = (args: readonly string[], cwd: string): Promise<Outcome> =>
  start(args, cwd).outcome;

/** Arguments of a tiny training: run folder, base model, then whatever else. */
export const trainArgs = (run: string, base: string, ...more: string[]): string[] => [
  'train',
  '--data',
  OLMO,
  '--out',
  run,
  '--set',
  `base=${base}`,
  ...TINY,
  ...more,
];

export function events(run: string): LoggedEvent[] {
  const path = join(run, 'events.jsonl');
  return existsSync(path) ? readEvents(path) : [];
}

/** What a step computed, without the times. */
export function losses(run: string): [string, number, number, Record<string, number>][] {
  return events(run)
    .filter((event): event is StepEvent & { time: string } => event.type === 'step')
    .map(({ stage, step, gradNorm, losses }) => [stage, step, gradNorm, losses]);
}

/** Waits until the run has logged a step. */
export async function reached(run: string, stage: string, step: number): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (losses(run).some(([name, done]) => name === stage && done >= step)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${run} never reached ${stage} step ${step}`);
}

/** Every file below a folder with a digest of its content. */
export function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex'),
      ]),
  );
}
