import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databases, openTestDatabase } from '../../test/postgres-server.js';
import type { OpenDatabase } from './database.js';
import type { NewFineTuningJob } from './fine-tuning-jobs.js';
import type { FolderlessConfig } from './schema.js';
import { State } from './state.js';

const job = (number: number, change: Partial<NewFineTuningJob> = {}): NewFineTuningJob => ({
  id: `ftjob-${number}`,
  owner: 'me',
  model: 'nano',
  source: `file-${number}`,
  characterName: 'Fig',
  config: { seed: 1 } as FolderlessConfig,
  method: { type: 'supervised', hyperparameters: {}, stages: [] },
  ...change,
});

const line = (number: number, kind = 'step') => ({
  line: number,
  level: 'info' as const,
  message: `line ${number}`,
  data: { kind, tokens: 10, stage: 'sft', step: number },
});

describe.each(databases)('fine-tuning jobs in %s', (_, onServer) => {
  let open: OpenDatabase;
  let state: State;
  beforeAll(async () => {
    open = await openTestDatabase(onServer);
    state = new State(open);
  });
  beforeEach(() => open.database.execute(sql`TRUNCATE fine_tuning_jobs CASCADE`));
  afterAll(() => state.close());
  const messages = async (id: string) =>
    (await state.jobEvents.list(id, { limit: 100, order: 'asc' })).map(({ message }) => message);

  it('go to one worker each, the oldest first', async () => {
    for (const number of [1, 2, 3]) await state.jobs.create(job(number));
    const claimed = await Promise.all(['a', 'b'].map((worker) => state.jobs.claim(worker, 60)));
    expect(claimed.map((found) => found?.id).sort()).toEqual(['ftjob-1', 'ftjob-2']);
    expect((await state.jobs.claim('c', 60))?.id).toBe('ftjob-3');
    expect(await state.jobs.claim('d', 60)).toBeUndefined();
  });

  it('are taken over when a lease ends; the worker that lost one can write no more', async () => {
    await state.jobs.create(job(1));
    await state.jobs.claim('old', 0);
    expect((await state.jobs.claim('new', 60))?.id).toBe('ftjob-1');
    expect(await state.jobs.renew('old', 'ftjob-1', 60)).toBeUndefined();
    expect(await state.jobs.record('old', 'ftjob-1', [line(0)])).toBe(false);
    expect(await state.jobs.end('old', 'ftjob-1', { status: 'succeeded', model: 'x' })).toBe(false);
    expect(await state.jobs.record('new', 'ftjob-1', [line(0)])).toBe(true);
    expect((await state.jobs.find('me', 'ftjob-1'))?.status).toBe('running');
  });

  it('repeat lines of the log after a resume, each once', async () => {
    await state.jobs.create(job(1));
    await state.jobs.claim('a', 60);
    await state.jobs.record('a', 'ftjob-1', [line(0), line(1), line(2)]);
    await state.jobs.record('a', 'ftjob-1', [line(1, 'resume'), line(2)]);
    expect(await messages('ftjob-1')).toEqual(['The job was created.', 'line 0', 'line 1', 'line 2']);
    expect(await state.jobEvents.lastLine('ftjob-1')).toBe(2);
    expect((await state.jobEvents.progress(['ftjob-1'])).get('ftjob-1')).toMatchObject({
      trainedTokens: 20,
      step: { step: 2 },
    });
  });

  it('do at once what is asked of them when nobody has them, and otherwise tell the worker', async () => {
    await state.jobs.create(job(1));
    await state.jobs.create(job(2));
    expect(await state.jobs.ask('me', 'ftjob-2', 'cancel')).toMatchObject({
      status: 'cancelled',
      requested: null,
    });
    expect((await state.jobs.find('me', 'ftjob-2'))?.finishedAt).toBeInstanceOf(Date);
    expect(await state.jobs.ask('me', 'ftjob-2', 'pause')).toBeUndefined();
    await state.jobs.claim('a', 60);
    expect(await state.jobs.ask('me', 'ftjob-1', 'pause')).toMatchObject({
      status: 'running',
      requested: 'pause',
    });
    expect(await state.jobs.renew('a', 'ftjob-1', 60)).toEqual({ requested: 'pause' });
    await state.jobs.end('a', 'ftjob-1', { status: 'paused' });
    expect(await state.jobs.resume('somebody', 'ftjob-1')).toBeUndefined();
    expect(await state.jobs.resume('me', 'ftjob-1')).toMatchObject({ status: 'queued', requested: null });
  });

  it('count the ends without a word until a checkpoint', async () => {
    await state.jobs.create(job(1));
    for (const crashes of [0, 1]) {
      expect((await state.jobs.claim('a', 60))?.crashes).toBe(crashes);
      await state.jobs.end('a', 'ftjob-1', { status: 'queued', crashed: true, message: 'gone' });
    }
    expect((await state.jobs.claim('a', 60))?.crashes).toBe(2);
    await state.jobs.record('a', 'ftjob-1', [line(0, 'checkpoint')]);
    expect((await state.jobs.find('me', 'ftjob-1'))?.crashes).toBe(0);
  });

  it('keep what a model says, but for the character that PostgreSQL cannot hold', async () => {
    await state.jobs.create(job(1));
    await state.jobs.claim('a', 60);
    const said = { ...line(0), data: { kind: 'sample', samples: [{ reply: 'a\0b \\u0000' }] } };
    await state.jobs.record('a', 'ftjob-1', [said]);
    const [, event] = await state.jobEvents.list('ftjob-1', { limit: 5, order: 'asc' });
    expect(event!.data.samples).toEqual([{ reply: 'ab \\u0000' }]);
  });

  it('say what they need, page by page, to their owner', async () => {
    for (const number of [1, 2, 3]) await state.jobs.create(job(number));
    await state.jobs.create(job(4, { owner: 'somebody' }));
    const ids = async (page: Parameters<State['jobs']['list']>[1]) =>
      (await state.jobs.list('me', page)).map(({ id }) => id);
    expect(await ids({ limit: 2 })).toEqual(['ftjob-3', 'ftjob-2']);
    expect(await ids({ limit: 2, after: 'ftjob-2' })).toEqual(['ftjob-1']);
    expect(await ids({ limit: 2, after: 'ftjob-2', order: 'asc' })).toEqual(['ftjob-3']);
    expect(await ids({ limit: 2, after: 'nothing' })).toEqual([]);
    expect(await state.jobs.unfinished('me')).toBe(3);
    expect(await state.jobs.needs('file-1')).toBe(true);
    await state.jobs.ask('me', 'ftjob-1', 'cancel');
    expect(await state.jobs.needs('file-1')).toBe(false);
  });
});
