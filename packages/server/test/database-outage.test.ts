/**
 * A PostgreSQL server that is killed and away for a while, under clients who write and a training that runs: whatever was
 * acknowledged is there afterwards. OUTAGE_SECONDS chooses how long; short here.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolder, readEvents } from '@unicharacter/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyWorld } from '../../core/test/train/tiny-run.js';
import { buildServer, listen, openState, type State } from '../dist/index.js';
import { PostgresServer, postgresInstalled } from './postgres-server.js';
import { checkAnswers } from './serve-fake.js';
import { lossesOf, olmoArchive, TINY_CONFIG, trainingOptions } from './train-tiny.js';

const SECONDS = Number(process.env.OUTAGE_SECONDS ?? 2);
const nobody = {
  name: 'Mimi',
  description: '',
  opening: '',
  open: () => Promise.reject(new Error('no weights')),
};
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

describe.skipIf(!postgresInstalled)('with PostgreSQL', () => {
  const { root, base } = tinyWorld();
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-outage-'));
  const runs = join(root, 'runs');
  let database: PostgresServer;
  let state: State;
  let app: Awaited<ReturnType<typeof buildServer>>;
  let address: string;
  beforeAll(async () => {
    database = new PostgresServer();
    await database.start();
    state = await openState({ databaseUrl: database.url });
    app = await buildServer([nobody], {
      state,
      uploads: join(folder, 'uploads'),
      pictures: join(folder, 'pictures'),
      training: { ...trainingOptions(runs, base), leaseSeconds: SECONDS + 30 },
    });
    checkAnswers(app);
    address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
  });
  afterAll(async () => {
    await app?.close();
    await state?.close();
    await database?.remove();
    for (const made of [root, folder]) rmSync(made, { recursive: true });
  });

  async function call(path: string, body?: object | FormData) {
    const json = body !== undefined && !(body instanceof FormData);
    const response = await fetch(`${address}/v1/${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', body: json ? JSON.stringify(body) : (body as FormData) }),
      headers: json ? { 'content-type': 'application/json' } : {},
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Adds messages until told to stop; those that are refused are sent again until they are taken. */
  async function write(conversation: string, going: { on: boolean }) {
    const acknowledged: string[] = [];
    let refused = 0;
    for (let n = 0; going.on; n++) {
      const message = { id: randomUUID(), role: n % 2 === 0 ? 'user' : 'assistant', content: `${n}` };
      for (let taken = false; !taken; ) {
        const { status, headers, body } = await call(`conversations/${conversation}/messages`, message);
        taken = status === 200;
        if (taken) {
          acknowledged.push(message.id);
          continue;
        }
        refused += 1;
        expect([status, headers.get('retry-after'), body.error.code]).toEqual([
          503,
          '5',
          'state_unavailable',
        ]);
        await pause(0.1);
      }
    }
    return { acknowledged, refused };
  }

  it(`loses nothing in ${SECONDS} s without its database`, { timeout: 240_000 }, async () => {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(olmoArchive())]), 'olmo.zip');
    form.set('purpose', 'fine-tune');
    const file = await call('files', form);
    const config = { ...TINY_CONFIG, 'sft.steps': 16 };
    const job = await call('fine_tuning/jobs', {
      model: 'tiny',
      training_file: file.body.id,
      metadata: { consent: 'true' },
      config,
    });
    const conversation = (await call('conversations', {})).body.id;
    const going = { on: true };
    const writing = write(conversation, going);
    const status = async () => (await call(`fine_tuning/jobs/${job.body.id}`)).body;
    await expect
      .poll(async () => (await status()).progress?.step ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(0);

    await database.kill();
    await pause(SECONDS);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await database.start();
    const back = performance.now();
    await expect
      .poll(async () => (await call(`conversations/${conversation}`)).status, { timeout: 30_000 })
      .toBe(200);
    const recovery = performance.now() - back;

    await expect.poll(async () => (await status()).status, { timeout: 120_000 }).toBe('succeeded');
    going.on = false;
    const { acknowledged, refused } = await writing;
    expect(refused).toBeGreaterThan(0);
    const { messages } = (await call(`conversations/${conversation}`)).body;
    expect(messages.map(({ id }: { id: string }) => id)).toEqual(acknowledged);

    const events = (await call(`fine_tuning/jobs/${job.body.id}/events?limit=9999&order=asc`)).body.data;
    const steps = events.filter((event: { data: { kind: string } }) => event.data.kind === 'step');
    expect(
      steps.map(({ data }: { data: Record<string, unknown> }) => [data.stage, data.step, data.losses]),
    ).toEqual(lossesOf(join(runs, job.body.id)));
    const logged = readEvents(new RunFolder(join(runs, job.body.id)).events).length;
    const statuses = events.filter(
      (event: { data: { kind: string } }) => event.data.kind === 'status',
    ).length;
    expect(events.length - statuses).toBe(logged);
    if (process.env.OUTAGE_SECONDS) {
      process.stdout.write(
        `${acknowledged.length} messages acknowledged, ${refused} refused, ${logged} events of the training; ` +
          `answers again ${Math.round(recovery)} ms after the database\n`,
      );
    }
  });
});
