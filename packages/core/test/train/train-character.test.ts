import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { counters, resetCounters, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { encodePng, solidImage } from '../../src/image/index.js';
import { openRun, RunFolder, readEvents, type StepEvent, type TrainEvent } from '../../src/run/index.js';
import { type TrainSummary, trainCharacter } from '../../src/train/index.js';
import { tinyOptions, tinyWorld } from './tiny-run.js';

const child = fileURLToPath(new URL('train-child.mjs', import.meta.url));
const fullDisk = new URL('full-disk.mjs', import.meta.url).href;

let world: ReturnType<typeof tinyWorld>;
let reference: RunFolder;
let summary: TrainSummary;
let leakedTensors: number;

const options = (name: string): Record<string, unknown> => tinyOptions(world.base, join(world.root, name));
const runOf = (name: string): RunFolder => new RunFolder(join(world.root, name));

const steps = (run: RunFolder): StepEvent[] =>
  readEvents(run.events).filter((event) => event.type === 'step') as StepEvent[];

/** Everything of the steps that must repeat exactly. */
const numbers = (run: RunFolder) =>
  steps(run).map(({ stage, step, losses, gradNorm, lr, tasks }) => ({
    stage,
    step,
    losses,
    gradNorm,
    lr,
    tasks,
  }));

/** Trains in a child process and kills it without warning at a step. */
async function trainAndKill(name: string, at: string): Promise<void> {
  const process = spawn('node', [child, JSON.stringify(options(name))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(process.stdout)) if (line === at) process.kill('SIGKILL');
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  expect(process.signalCode).toBe('SIGKILL');
}

beforeAll(async () => {
  world = tinyWorld();
  reference = runOf('reference');
  const config = loadConfig(undefined, options('reference'));
  resetCounters();
  const before = tf.memory().numTensors;
  summary = await trainCharacter(config);
  leakedTensors = tf.memory().numTensors - before;
});
afterAll(() => rmSync(world.root, { recursive: true, force: true }));

describe('trainCharacter', () => {
  it('learns words and pictures', () => {
    const mean = (stage: string, name: string, from: number, to: number): number => {
      const values = steps(reference)
        .filter((event) => event.stage === stage)
        .slice(from, to)
        .flatMap((event) => event.losses[name] ?? []);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(summary.finished).toBe(true);
    expect(steps(reference)).toHaveLength(38);
    expect(mean('sft', 'ce', 0, 3)).toBeGreaterThan(6.5);
    expect(mean('sft', 'ce', 20, 30)).toBeLessThan(mean('sft', 'ce', 0, 3) - 1.5);
    expect(mean('sft', 'mse', 20, 30)).toBeLessThan(mean('sft', 'mse', 0, 3));
    expect(mean('vae', 'total', 5, 8)).toBeLessThan(mean('vae', 'total', 0, 2));
  });

  it('reports each task, and that total = 0.25 ce + mse', () => {
    const names = new Set(steps(reference).flatMap(({ losses }) => Object.keys(losses)));
    for (const name of ['ce/dialogue', 'ce/vqa', 'ce/knowledge_qa', 'mse/t2i', 'mse/t2i_instruction']) {
      expect(names).toContain(name);
    }
    for (const { stage, losses } of steps(reference)) {
      if (stage === 'sft') expect(losses.total).toBeCloseTo(0.25 * (losses.ce ?? 0) + (losses.mse ?? 0), 4);
    }
  });

  it('stays on the native backend and keeps memory flat', () => {
    expect(counters().fallbackKernels).toEqual({});
    expect(leakedTensors).toBe(0);
    const live = steps(reference)
      .slice(-12)
      .map((event) => event.liveBytes);
    expect(new Set(live).size).toBe(1);
  });

  it('writes everything that a run folder promises', () => {
    expect(readdirSync(join(reference.root, 'checkpoints')).sort()).toEqual(['step-0000025', 'step-0000030']);
    expect(readdirSync(join(reference.root, 'checkpoints/step-0000030')).sort()).toEqual([
      'ema.safetensors',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
    ]);
    expect(readFileSync(summary.report, 'utf8')).toContain('<b>mse/t2i</b>');
    expect(existsSync(reference.vae)).toBe(true);
    const kinds = readEvents(reference.events).map((event) => event.type);
    expect(kinds[0]).toBe('start');
    expect(kinds.at(-1)).toBe('done');
    expect(kinds.filter((kind) => kind === 'sample')).toHaveLength(3);
  });

  it('leaves a finished run as it is', async () => {
    const before = readFileSync(reference.events, 'utf8');
    const again = await trainCharacter(loadConfig(undefined, options('reference')));
    expect(again).toEqual(summary);
    expect(readFileSync(reference.events, 'utf8')).toBe(before);
  });
});

describe('a second run', () => {
  it('takes latents and token ids from the cache, and learns the same from them', async () => {
    const stages: string[] = [];
    const config = loadConfig(undefined, { ...options('second'), 'sft.steps': 2 });
    await trainCharacter(config, {
      onEvent: (event) => {
        if (event.type === 'stage' && event.stage === 'sft') stages.push(event.message);
      },
    });
    expect(stages).toEqual([expect.stringMatching(/encoded: 0 new, \d\d from the cache, cache \d+\.\d MiB/)]);
    const sft = (run: RunFolder) => numbers(run).filter(({ stage }) => stage === 'sft');
    const [first, again] = [sft(reference)[0]!, sft(runOf('second'))[0]!];
    expect(again.losses).toEqual(first.losses);
    expect(again.gradNorm).toBe(first.gradNorm);
  });
});

describe('crops of the autoencoder', () => {
  it('have to fit into every picture: the message names picture, size and setting', async () => {
    const base = join(world.root, 'wide-base');
    const data = join(world.root, 'wide', 'Olmo');
    cpSync(world.base, base, { recursive: true });
    cpSync(String(options('x').data), data, { recursive: true });
    const file = join(base, 'unified_config.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"min":32', '"min":16'));
    writeFileSync(join(data, '2.png'), await encodePng(solidImage(96, 48, [9, 9, 9])));
    const config = loadConfig(undefined, { ...options('large-crop'), base, data, 'vae.crop': 32 });
    await expect(trainCharacter(config)).rejects.toThrow(
      /picture 2 is 32 × 16 pixels at image\.size 32, .* crops of 32 × 32 \(vae\.crop\); set vae\.crop to 16 or less/,
    );
  });
});

describe('a run that was stopped', () => {
  it('repeats the same numbers after kill -9 in either stage', async () => {
    await trainAndKill('killed', 'vae 7');
    await trainAndKill('killed', 'sft 3');
    await trainAndKill('killed', 'sft 18');
    appendFileSync(runOf('killed').events, '{"type":"step","stage":"sft","st');
    await trainCharacter(loadConfig(undefined, options('killed')));
    expect(numbers(runOf('killed'))).toEqual(numbers(reference));
  });

  it('keeps the last good state when the disk is full, says what to do, and goes on with the same numbers', async () => {
    const process = spawn('node', ['--import', fullDisk, child, JSON.stringify(options('full'))], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...globalThis.process.env, DISK_FULL_AFTER: '"stage":"sft","step":11,' },
    });
    let said = '';
    process.stderr.on('data', (part) => {
      said += part;
    });
    const [code] = await once(process, 'close');
    expect(code).toBe(1);
    expect(said).toMatch(/cannot write a folder to .*step-0000015: no space is left on the device/);
    expect(said).toMatch(/step-0000010 is intact; free some space, then the same command goes on from there/);
    const run = runOf('full');
    expect(run.checkpoints.latest()?.step).toBe(10);
    expect(readdirSync(run.checkpoints.root).filter((name) => name.includes('partial'))).toEqual([]);
    await trainCharacter(loadConfig(undefined, options('full')));
    expect(numbers(run)).toEqual(numbers(reference));
  });

  it('saves when told to stop, says so, and goes on with the same numbers', async () => {
    const stop = new AbortController();
    const seen: TrainEvent[] = [];
    const stopped = await trainCharacter(loadConfig(undefined, options('stopped')), {
      signal: stop.signal,
      onEvent: (event) => {
        seen.push(event);
        if (event.type === 'step' && event.stage === 'sft' && event.step === 12) stop.abort();
      },
    });
    expect(stopped.finished).toBe(false);
    expect(seen.at(-1)).toMatchObject({ type: 'interrupted', stage: 'sft', step: 12 });
    expect(runOf('stopped').checkpoints.latest()?.step).toBe(12);
    await trainCharacter(loadConfig(undefined, { ...options('stopped'), 'samples.every': 10 }));
    expect(numbers(runOf('stopped'))).toEqual(numbers(reference));
  });

  it('names the keys that differ', async () => {
    const other = loadConfig(undefined, { ...options('reference'), seed: 1, 'sft.optimizer.lr': 0.001 });
    await expect(trainCharacter(other)).rejects.toThrow(
      /another configuration:\n {2}seed: 42 -> 1\n {2}sft\.optimizer\.lr: 0\.005 -> 0\.001\n/,
    );
  });

  it('notices changed data', async () => {
    const data = join(world.root, 'Olmo');
    cpSync(String(options('x').data), data, { recursive: true });
    const path = join(data, 'annotation.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"description": "/, '"description": "New. '));
    await expect(trainCharacter(loadConfig(undefined, { ...options('reference'), data }))).rejects.toThrow(
      /pictures or texts have changed/,
    );
  });
});

describe('openRun', () => {
  it('talks, draws and looks, the same for the same seed', async () => {
    const engine = await openRun(reference.root);
    try {
      const pieces: string[] = [];
      const first = await engine.reply({ user: 'Hello!', seed: 3, onToken: (piece) => pieces.push(piece) });
      expect(pieces.join('')).toBe(first.text);
      expect(first.completionTokens).toBe(4);
      expect(await engine.reply({ user: 'Hello!', seed: 3 })).toEqual(first);
      const { image } = await engine.imagine({ prompt: 'Olmo waving', seed: 1 });
      expect([image.width, image.height]).toEqual([32, 32]);
      const { reply, image: scene } = await engine.rolePlay({
        user: 'Hello!',
        seed: 3,
        width: 16,
        height: 24,
      });
      expect(reply).toEqual(first);
      expect([scene.width, scene.height]).toEqual([16, 24]);
      const answer = await engine.ask({ image, question: 'What is it?' });
      expect(answer.finish).toMatch(/stop|length/);
      const aborted = await engine.reply({ user: 'Hello!', signal: AbortSignal.abort() });
      expect(aborted).toMatchObject({ text: '', finish: 'aborted' });
    } finally {
      engine.dispose();
    }
  });

  it('says what is wrong with a folder', async () => {
    await expect(openRun(join(world.root, 'nowhere'))).rejects.toThrow(
      /nowhere: expected the folder of a training run/,
    );
    await expect(openRun(world.base)).rejects.toThrow(/config\.yaml is missing/);
    const begun = join(world.root, 'begun');
    cpSync(reference.root, begun, { recursive: true });
    rmSync(join(begun, 'checkpoints'), { recursive: true });
    await expect(openRun(begun)).rejects.toThrow(/has not reached its first checkpoint/);
  });
});
