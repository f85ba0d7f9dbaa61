/** Fine-tuning with the official client, unmodified: from an archive to a character that talks and draws. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@unicharacter/core';
import { zipSync } from 'fflate';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyWorld } from '../../core/test/train/tiny-run.js';
import { buildServer, EngineProcess, listen, openState, type State } from '../dist/index.js';
import { NotTrainable, Planner } from '../dist/training/planner.js';
import { checkAnswers } from './serve-fake.js';
import { lossesOf, olmoArchive, TINY_CONFIG, trainingOptions } from './train-tiny.js';

const over = ['succeeded', 'failed', 'cancelled'];

describe('fine-tuning jobs', () => {
  const { root, base } = tinyWorld();
  const uploads = mkdtempSync(join(tmpdir(), 'unicharacter-jobs-'));
  const runs = join(root, 'runs');
  let state: State;
  let app: Awaited<ReturnType<typeof buildServer>>;
  let client: OpenAI;
  let address: string;
  beforeAll(async () => {
    state = await openState({});
    const engine = new EngineProcess();
    app = await buildServer([], {
      state,
      engine,
      uploads,
      pictures: join(root, 'pictures'),
      training: trainingOptions(runs, base, engine),
    });
    checkAnswers(app);
    address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
    client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(async () => {
    await app.close();
    await state.close();
    for (const folder of [root, uploads]) rmSync(folder, { recursive: true });
  });

  const upload = async (archive: Uint8Array = olmoArchive(), name = 'olmo.zip') =>
    client.files.create({ file: await toFile(archive, name), purpose: 'fine-tune' });
  /** A request with fields that are the server's own. */
  const request = (fields: object) =>
    ({
      model: 'tiny',
      metadata: { consent: 'true' },
      config: TINY_CONFIG,
      ...fields,
    }) as OpenAI.FineTuning.JobCreateParams;
  const ended = async (id: string, statuses = over) => {
    for (;;) {
      const job = await client.fineTuning.jobs.retrieve(id);
      if (statuses.includes(job.status)) return job;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const post = async (path: string, body: object = {}) => {
    const response = await fetch(`${address}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };

  it('train an uploaded archive, tell what happens, and make a model that talks and draws', async () => {
    expect((await client.models.list()).data).toEqual([]);
    const file = await upload();
    expect(file).toMatchObject({
      object: 'file',
      filename: 'olmo.zip',
      purpose: 'fine-tune',
      character: 'Olmo',
    });
    expect((await client.files.retrieve(file.id)).bytes).toBe(olmoArchive().length);
    const content = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
    expect(content.equals(olmoArchive())).toBe(true);

    const job = await client.fineTuning.jobs.create(
      request({ training_file: file.id, suffix: 'small', seed: 3 }),
    );
    expect(job).toMatchObject({
      object: 'fine_tuning.job',
      status: 'queued',
      seed: 3,
      fine_tuned_model: null,
    });
    const stream = await fetch(`${address}/v1/fine_tuning/jobs/${job.id}/events`, {
      headers: { accept: 'text/event-stream' },
    });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await expect(client.files.delete(file.id)).rejects.toBeInstanceOf(OpenAI.ConflictError);
    const messages = (await stream.text()).trim().split('\n\n');
    expect(messages.at(-1)).toBe('data: [DONE]');
    const events = messages
      .filter((text) => text.startsWith('id:'))
      .map((text) => JSON.parse(text.split('data: ')[1]!));
    const kinds = events.map(({ data }) => data.kind);
    expect([...new Set(kinds)]).toEqual(
      expect.arrayContaining(['status', 'start', 'stage', 'step', 'sample', 'checkpoint', 'done']),
    );
    const steps = events.filter(({ data }) => data.kind === 'step').map(({ data }) => data);
    expect(steps.map(({ stage, step, losses }) => [stage, step, losses])).toEqual(
      lossesOf(join(runs, job.id)),
    );
    expect(steps).toHaveLength(12);
    const drawn = events
      .findLast(({ data }) => data.kind === 'sample')
      .data.samples.find(({ url }: { url: string }) => url);
    expect((await fetch(drawn.url)).headers.get('content-type')).toBe('image/png');
    expect(JSON.stringify(events)).not.toContain(root);

    const done = await client.fineTuning.jobs.retrieve(job.id);
    expect(done).toMatchObject({ status: 'succeeded', error: null, trained_tokens: expect.any(Number) });
    expect(done.fine_tuned_model).toMatch(/^unicharacter\/olmo-small-[0-9a-f]{8}$/);
    const newest = await client.fineTuning.jobs.listEvents(job.id, { limit: 3 });
    expect(newest.data.map(({ id }) => id)).toEqual(
      events
        .slice(-3)
        .map(({ id }) => id)
        .toReversed(),
    );
    const all: string[] = [];
    for await (const { id } of client.fineTuning.jobs.listEvents(job.id, { limit: 7 })) all.push(id);
    expect(all.toReversed()).toEqual(events.map(({ id }) => id));
    const checkpoints = await client.fineTuning.jobs.checkpoints.list(job.id);
    expect(checkpoints.data[0]).toMatchObject({
      step_number: 8,
      fine_tuned_model_checkpoint: done.fine_tuned_model,
      metrics: { step: 8, train_loss: steps.at(-1).train_loss },
    });

    const model = done.fine_tuned_model!;
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model]);
    const { choices } = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hello' }],
    });
    expect(choices[0]!.finish_reason).toMatch(/stop|length/);
    const { data } = await client.images.generate({ model, prompt: 'Olmo', n: 1 });
    expect(data![0]!.b64_json).toMatch(/^iVBOR/);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('are paused, go on where they were, and can be cancelled', async () => {
    const { id: file } = await upload();
    const { id } = await client.fineTuning.jobs.create(
      request({ training_file: file, config: { ...TINY_CONFIG, 'sft.steps': 400, 'checkpoints.every': 0 } }),
    );
    const until = async (found: (progress: { stage: string; step: number } | null) => boolean) => {
      while (!found(((await client.fineTuning.jobs.retrieve(id)) as never as { progress: never }).progress)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until((progress) => progress?.stage === 'sft' && progress.step >= 2);
    await client.fineTuning.jobs.pause(id);
    const paused = await ended(id, ['paused']);
    const { step } = (paused as never as { progress: { step: number } }).progress;
    expect(step).toBeLessThan(400);
    expect((await post(`fine_tuning/jobs/${id}/pause`)).body.error.code).toBe('wrong_status');
    await client.fineTuning.jobs.resume(id);
    await until((progress) => progress!.step > step);
    await client.fineTuning.jobs.cancel(id);
    const cancelled = await ended(id);
    expect(cancelled).toMatchObject({ status: 'cancelled', fine_tuned_model: null });
    const losses = lossesOf(join(runs, id)).filter(([stage]) => stage === 'sft');
    expect(losses.map(([, number]) => number)).toEqual(losses.map((_, index) => index + 1));
    expect((await client.fineTuning.jobs.checkpoints.list(id)).data[0]!.step_number).toBe(losses.length);
    await expect(client.fineTuning.jobs.cancel(id)).rejects.toBeInstanceOf(OpenAI.ConflictError);
  });

  it('refuse what cannot be trained, and say why', async () => {
    const { id: training_file } = await upload();
    const refused: [object, number, string, string][] = [
      [{ model: 'gpt-9' }, 404, 'model_not_found', 'model'],
      [{ training_file: 'file-0' }, 404, 'file_not_found', 'training_file'],
      [{ config: { sft: { stepz: 4 } } }, 400, 'invalid_config', 'config.sft.stepz'],
      [{ config: { 'sft.steps': -1 } }, 400, 'invalid_config', 'config.sft.steps'],
      [{ config: { sft: { tokensPerPack: 1e12 } } }, 400, 'invalid_config', 'config.sft.tokensPerPack'],
      [{ config: { out: '/tmp/x' } }, 400, 'invalid_config', 'config.out'],
      [{ config: { 'sft.prior.data': '/etc' } }, 400, 'invalid_config', 'config.sft.prior.data'],
      [{ config: { cache: { folder: '/tmp/x' } } }, 400, 'invalid_config', 'config.cache.folder'],
      [
        { config: { grpo: { rewards: { clip: '/etc' } } } },
        400,
        'invalid_config',
        'config.grpo.rewards.clip',
      ],
      [{ config: { stage: 'grpo' } }, 400, 'invalid_config', 'config.stage'],
      [{ metadata: {} }, 400, 'consent_required', 'metadata.consent'],
      [{ character: 'char_0' }, 400, '', 'training_file'],
    ];
    for (const [fields, status, code, param] of refused) {
      const answer = await post('fine_tuning/jobs', { ...request({ training_file }), ...fields });
      const { error } = answer.body;
      expect([answer.status, error.code ?? '', error.param]).toEqual([status, code, param]);
    }
    const two = await post('fine_tuning/jobs', {
      ...request({ training_file }),
      config: { sft: { stepz: 4 }, sead: 1 },
    });
    expect(two.body.error.message).toContain('did you mean');
    expect(two.body.error.message.split('\n')).toHaveLength(2);
    for (const method of ['cancel', 'pause', 'resume'] as const) {
      await expect(client.fineTuning.jobs[method]('ftjob-000000000000000000000000')).rejects.toBeInstanceOf(
        OpenAI.NotFoundError,
      );
    }
  });

  it('refuse a broken archive with everything that is wrong', async () => {
    const yaml = JSON.stringify({
      name: 'A',
      description: 'B',
      dialogues: [
        { user: ' ', reply: 'x' },
        { user: 'x', reply: ' ' },
      ],
    });
    const bad = upload(zipSync({ 'character.yaml': Buffer.from(yaml) }));
    await expect(bad).rejects.toThrow(/the user says nothing[\s\S]*the reply is empty/);
    await expect(upload(Buffer.from('PK\x03\x04'))).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(upload(zipSync({ '../x.json': Buffer.from('{}') }))).rejects.toThrow(/not allowed/);
  });

  it('stand in the OpenAPI document', async () => {
    const { paths } = (await (await fetch(`${address}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { summary: string }>>;
    };
    for (const path of [
      '',
      '/{id}',
      '/{id}/events',
      '/{id}/checkpoints',
      '/{id}/cancel',
      '/{id}/pause',
      '/{id}/resume',
    ]) {
      for (const { summary } of Object.values(paths[`/v1/fine_tuning/jobs${path}`]!))
        expect(summary).toBeTruthy();
    }
    expect(Object.keys(paths['/v1/files']!)).toEqual(['post', 'get']);
    expect(Object.keys(paths['/v1/files/{id}']!)).toEqual(['get', 'delete']);
    expect(paths['/v1/characters/uploads']!.get).toBeDefined();
  });

  it('are planned in another process, which is given up when it takes too long', async () => {
    const planner = new Planner({ plans: 1, seconds: 0.01 });
    const config = parseConfig('', 'test', { data: join(root, 'nowhere'), out: runs, base });
    const tooLong = planner.plan(config);
    await expect(planner.plan(config)).rejects.toMatchObject({ status: 429, code: 'queue_full' });
    await expect(tooLong).rejects.toThrow(/more than 0.01 s/);
    const patient = new Planner({ plans: 1, seconds: 60 });
    for (const _ of [1, 2]) await expect(patient.plan(config)).rejects.toBeInstanceOf(NotTrainable);
    patient.close();
  });

  it('plan without training when asked for a dry run; epochs become steps', async () => {
    const { id: training_file } = await upload();
    const before = (await client.fineTuning.jobs.list()).data.length;
    const { 'sft.steps': _, ...config } = TINY_CONFIG;
    const { body } = await post('fine_tuning/jobs', {
      ...request({ training_file, config, dry_run: true }),
      method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 2, batch_size: 2 } } },
    });
    expect(body).toMatchObject({
      object: 'fine_tuning.plan',
      character_name: 'Olmo',
      memory_bytes: expect.any(Number),
    });
    const stages = (plan: { stages: { stage: string; steps: number }[] }) =>
      plan.stages.map(({ stage, steps }) => [stage, steps]);
    expect(stages(body)).toEqual([
      ['vae', 4],
      ['sft', Math.ceil((2 * body.packs_per_epoch) / 2)],
    ]);
    expect(body.packs_per_epoch).toBeGreaterThan(8);
    expect(body.config.sft.accumulation).toBe(2);
    const { body: rewarded } = await post('fine_tuning/jobs', {
      ...request({ training_file, dry_run: true }),
      method: { type: 'reinforcement', reinforcement: { hyperparameters: { n_epochs: 3 } } },
    });
    expect(stages(rewarded).slice(1)).toEqual([
      ['sft', 8],
      ['grpo', 3],
    ]);
    expect((await client.fineTuning.jobs.list()).data).toHaveLength(before);
  });
});
