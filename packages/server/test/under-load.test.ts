/** The programs that show load and faults, small: a trained character of a few ten thousand weights, some seconds. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadConfig, trainCharacter } from '@unicharacter/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyOptions, tinyWorld } from '../../core/test/train/tiny-run.js';

const { root, base } = tinyWorld();
const run = join(root, 'run');

beforeAll(async () => {
  const few = { 'vae.steps': 2, 'sft.steps': 2, 'checkpoints.every': 2 };
  await trainCharacter(loadConfig(undefined, { ...tinyOptions(base, run), ...few }));
});
afterAll(() => rmSync(root, { recursive: true }));

/** What a program of the bench folder notes; it fails when the program does. */
async function program(name: string, ...args: string[]): Promise<Record<string, unknown>[]> {
  const file = fileURLToPath(new URL(`../bench/${name}.mjs`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, '--run', run, '--json', ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('answers many at the same time and loses no turn', async () => {
  const [alone, together] = await program('load', '--clients', '20', '--seconds', '2', '--alone', '1');
  expect(alone).toMatchObject({ clients: 1 });
  expect(together).toMatchObject({ clients: 20, missing: 0 });
  expect([alone?.errors, together?.errors]).toEqual([{}, {}]);
  const { asked, answered, compared } = together as Record<string, number>;
  expect(answered).toBe(asked);
  expect(answered).toBeGreaterThanOrEqual(20);
  expect(compared).toBe(2 * (answered as number));
}, 300_000);

it('loses nothing that it acknowledged when engine and server are killed', async () => {
  const [engine, server] = await program('faults', '--kills', '1', '--clients', '4');
  expect(engine).toMatchObject({ what: 'engine', kills: 1, missing: 0, unexpected: [] });
  expect(server).toMatchObject({ what: 'server', kills: 1, missing: 0, unexpected: [] });
  for (const { answered, compared } of [engine, server] as Record<string, number>[]) {
    expect(answered).toBeGreaterThan(0);
    expect(compared).toBeGreaterThan(0);
  }
}, 300_000);
