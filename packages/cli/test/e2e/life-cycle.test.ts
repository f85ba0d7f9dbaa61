import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '@unicharacter/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporary-folder.js';
import {
  contents,
  events,
  losses,
  makeTinyBase,
  OLMO,
  reached,
  start,
  trainArgs,
  unicharacter,
} from './support.js';

const folder = temporaryFolder();
const base = makeTinyBase(folder);
const whole = join(folder, 'runs', 'whole');

beforeAll(async () => {
  const outcome = await unicharacter(trainArgs(whole, base), folder);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toContain('Olmo: 12 images');
  expect(outcome.stdout).toMatch(/vae 6\/6 100% .* tok\/s/);
  expect(outcome.stdout).toMatch(/sft 16\/16 100% .*ce \d.* tok\/s .*ce\/dialogue/);
  expect(outcome.stdout).toContain(`Report: ${join(whole, 'report.html')}`);
});

describe('train', () => {
  it.each([
    ['vae', 3],
    ['sft', 5],
  ])('killed in stage %s after step %i and started again, gives the same numbers', async (stage, step) => {
    const run = join(folder, `killed-${stage}`);
    const { child, outcome } = start(trainArgs(run, base), folder);
    await reached(run, stage, step);
    child.kill('SIGKILL');
    expect((await outcome).signal).toBe('SIGKILL');
    const again = await unicharacter(trainArgs(run, base), folder);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('Continuing after step');
    expect(losses(run)).toEqual(losses(whole));
  });

  it('finishes the step, saves and says how to go on after Ctrl-C', async () => {
    const run = join(folder, 'interrupted');
    const { child, outcome } = start(trainArgs(run, base), folder);
    await reached(run, 'sft', 3);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stdout).toContain('Stopping after this step');
    expect(stderr).toContain(`To go on, give the same command again (run folder ${run})`);
    expect(stderr).not.toContain('    at ');
    const stopped = events(run).at(-1);
    expect(stopped?.type).toBe('interrupted');
    expect((await unicharacter(trainArgs(run, base), folder)).code).toBe(0);
    expect(losses(run)).toEqual(losses(whole));
  });

  it('leaves a finished run as it is', async () => {
    const before = contents(whole);
    expect(await unicharacter(trainArgs(whole, base), folder)).toMatchObject({ code: 0, stderr: '' });
    const after = contents(whole);
    expect({ ...after, 'report.html': '' }).toEqual({ ...before, 'report.html': '' });
  });

  it('does not continue a run with --fresh', async () => {
    const { code, stderr } = await unicharacter(trainArgs(whole, base, '--fresh'), folder);
    expect(code).toBe(2);
    expect(stderr).toContain('already holds a run');
  });

  it('shows what would happen with --dry-run and writes nothing', async () => {
    const run = join(folder, 'planned');
    const { code, stdout } = await unicharacter(trainArgs(run, base, '--dry-run', '--measure'), folder);
    expect(code).toBe(0);
    expect(stdout).toContain('  tokensPerPack: 256');
    expect(stdout).toMatch(/dialogue +120 +0 +\d+\.\dk +\d\.\d× +\d+% +\d+% +0%/);
    expect(stdout).toMatch(/parameters +\d\d\d\.\dk/);
    expect(stdout).toMatch(/memory +about \d+ MiB/);
    expect(stdout).toMatch(/sft +\d\.\d\d +\d+ MiB +\d+s/);
    expect(() => contents(run)).toThrow('ENOENT');
  });
});

describe('the trained character', () => {
  it('talks: the same words with the same seed', async () => {
    const args = ['chat', '--once', 'Good morning!', '--seed', '1', '--json'];
    const replies = [await unicharacter(args, folder), await unicharacter(args, folder)];
    const [first, second] = replies.map(
      ({ stdout }) => JSON.parse(stdout) as { reply: string; tokens: object },
    );
    expect(first?.reply).toBe(second?.reply);
    expect(first?.tokens).toMatchObject({ prompt: expect.any(Number) });
  });

  it('draws: the same picture with the same seed, and another one with another', async () => {
    const drawn = async (name: string, seed: string): Promise<string> => {
      const args = ['imagine', 'Olmo on a boat', '--run', whole, '--out', name, '--seed', seed];
      expect(await unicharacter(args, folder)).toMatchObject({ code: 0, stderr: '' });
      return readFileSync(join(folder, name)).toString('base64');
    };
    const first = await drawn('a.png', '1');
    expect(await drawn('b.png', '1')).toBe(first);
    expect(await drawn('c.png', '2')).not.toBe(first);
    expect(await decodeImage(join(folder, 'a.png'))).toMatchObject({ width: 32, height: 32 });
  });

  it('answers to a picture', async () => {
    const { code, stdout, stderr } = await unicharacter(['ask', join(OLMO, '0.png'), 'Who is this?'], folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.endsWith('\n')).toBe(true);
  });

  it('is served over HTTP until Ctrl-C', async () => {
    const { child, outcome } = start(['serve', '--run', whole, '--port', '0'], folder);
    const address = await new Promise<string>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        const found = /http:\/\/[\d.]+:\d+/.exec(chunk.toString());
        if (found) resolve(found[0]);
      });
    });
    const response = await fetch(`${address}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: [{ role: 'user', content: 'Hi!' }],
        modalities: ['text', 'image'],
        max_tokens: 5,
      }),
    });
    expect(response.status).toBe(200);
    const body = (await response.json()) as { model: string; choices: { message: { images: unknown[] } }[] };
    expect(body.model).toBe('unicharacter/olmo');
    expect(body.choices[0]?.message.images).toHaveLength(1);
    child.kill('SIGINT');
    expect((await outcome).code).toBe(0);
  });
});
