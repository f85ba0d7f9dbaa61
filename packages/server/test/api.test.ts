import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, readPngTexts } from '@unicharacter/core';
import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '../src/routes/app.js';
import { FakeEngine } from './fake-engine.js';
import { fakeCharacter, serveAll, serveFake } from './serve-fake.js';

let app: App;
afterEach(() => app.close());

async function post(url: string, payload: object) {
  const response = await app.inject({ method: 'POST', url, payload });
  return { status: response.statusCode, body: response.json() };
}

const size = async (base64: string) => {
  const { width, height } = await decodeImage(Buffer.from(base64, 'base64'));
  return [width, height];
};

describe('several characters', () => {
  it('are models of their own; one has its weights in memory at a time', async () => {
    const [one, two] = [new FakeEngine(['One']), new FakeEngine(['Two'])];
    app = await serveAll([fakeCharacter(one, 'Ada'), fakeCharacter(two, 'Ada')]);
    const { data } = (await app.inject('/v1/models')).json();
    expect(data.map(({ id }: { id: string }) => id)).toEqual(['unicharacter/ada', 'unicharacter/ada-2']);
    const say = async (model?: string) =>
      (await post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hi' }] })).body
        .choices[0].message.content;
    expect(await say()).toBe('One');
    expect(await say('unicharacter/ada-2')).toBe('Two');
    expect([one.disposed, two.disposed]).toEqual([1, 0]);
    expect(await say('unicharacter/ada-2')).toBe('Two');
    expect((await app.inject('/readyz')).json()).toEqual({
      status: 'ready',
      queue: 0,
      loaded: 'unicharacter/ada-2',
    });
  });

  it('show their cards', async () => {
    app = await serveFake(new FakeEngine());
    expect((await app.inject('/v1/characters')).json().data).toEqual([
      {
        id: 'unicharacter/mimi-moss',
        object: 'character',
        name: 'Mimi Moss',
        description: 'Mimi Moss is a small mossy cat who collects buttons.',
        opening: 'Welcome, I am Mimi Moss.',
        portrait: null,
      },
    ]);
    const portrait = await app.inject('/v1/characters/portrait/unicharacter/mimi-moss');
    expect([portrait.statusCode, portrait.json().error.code]).toEqual([404, 'no_portrait']);
  });
});

describe('POST /v1/images/generations', () => {
  it('draws n pictures with seeds that count up', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const { status, body } = await post('/v1/images/generations', {
      prompt: 'Mimi in the rain',
      n: 2,
      size: '32x48',
      seed: 7,
      num_inference_steps: 5,
      guidance_scale: 3,
      quality: 'hd',
    });
    expect(status).toBe(200);
    expect(body.data.map(({ seed }: { seed: number }) => seed)).toEqual([7, 8]);
    expect(await size(body.data[1].b64_json)).toEqual([32, 48]);
    expect(readPngTexts(Buffer.from(body.data[0].b64_json, 'base64')).Comment).toBe(
      'Drawn by a generative model.',
    );
    expect(engine.calls.map(({ request }) => request)).toMatchObject([
      { prompt: 'Mimi in the rain', seed: 7, width: 32, height: 48, steps: 5, cfg: 3 },
      { seed: 8 },
    ]);
  });

  it('keeps pictures under addresses that nothing else reaches', async () => {
    app = await serveFake(new FakeEngine());
    const { body } = await post('/v1/images/generations', { prompt: 'Mimi', response_format: 'url' });
    const { pathname } = new URL(body.data[0].url);
    expect(pathname).toMatch(/^\/v1\/files\/file-[0-9a-f]{64}\/content$/);
    const picture = await app.inject(pathname);
    expect(picture.headers['content-type']).toBe('image/png');
    expect(await size(picture.rawPayload.toString('base64'))).toEqual([4, 2]);
    for (const id of ['..%2F..%2Fpackage.json', 'file-0', `file-${'0'.repeat(64)}`]) {
      const missing = await app.inject(`/v1/files/${id}/content`);
      expect([missing.statusCode, missing.json().error.code]).toEqual([404, 'file_not_found']);
    }
  });

  it.each([
    [{ prompt: '' }, 'prompt'],
    [{ prompt: 'x', size: '9999x9999' }, 'size'],
    [{ prompt: 'x', size: 'large' }, 'size'],
    [{ prompt: 'x', n: 9 }, 'n'],
    [{ prompt: 'x', model: 'nobody' }, 'model'],
  ])('refuses %j', async (payload, param) => {
    app = await serveFake(new FakeEngine());
    const { status, body } = await post('/v1/images/generations', payload);
    expect([400, 404]).toContain(status);
    expect(body.error.param).toBe(param);
  });
});

describe('pictures in chat', () => {
  const messages = [{ role: 'user', content: 'Show yourself' }];
  const modalities = ['text', 'image'];

  it('come as markdown for clients that show text only', async () => {
    app = await serveFake(new FakeEngine());
    const { body } = await post('/v1/chat/completions', { messages, modalities, image_delivery: 'markdown' });
    const { content, images } = body.choices[0].message;
    expect(images).toBeUndefined();
    const address = /^Hello there!\n\n!\[picture\]\((.+)\)$/.exec(content)?.[1];
    expect((await app.inject(new URL(address!).pathname)).statusCode).toBe(200);
  });

  it('come both ways or not at all when asked', async () => {
    app = await serveFake(new FakeEngine());
    const delivered = async (image_delivery: string) =>
      (await post('/v1/chat/completions', { messages, modalities, image_delivery })).body.choices[0].message;
    const both = await delivered('both');
    expect([both.images.length, both.content.includes('![picture]')]).toEqual([1, true]);
    expect(await delivered('none')).toEqual({ role: 'assistant', content: 'Hello there!' });
  });

  it('and several answers have seeds of their own', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const { body } = await post('/v1/chat/completions', { messages, n: 3, seed: 5 });
    expect(body.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2]);
    expect(engine.calls.map(({ request }) => (request as { seed: number }).seed)).toEqual([5, 6, 7]);
    expect(body.usage).toEqual({ prompt_tokens: 7, completion_tokens: 9, total_tokens: 16 });
  });
});

describe('POST /v1/completions', () => {
  it('answers the prompt', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const { body } = await post('/v1/completions', { prompt: 'Hi', max_tokens: 2, stop: ['!'] });
    expect(body).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'Hello there', finish_reason: 'length' }],
    });
    expect(engine.calls[0]).toMatchObject({ method: 'reply', request: { user: 'Hi', history: [] } });
  });
});

describe('image extensions that speak the API of AUTOMATIC1111', () => {
  it('find models, samplers and options', async () => {
    app = await serveAll([fakeCharacter(new FakeEngine(), 'Ada'), fakeCharacter(new FakeEngine(), 'Bo')]);
    const models = (await app.inject('/sdapi/v1/sd-models')).json();
    expect(models.map(({ title }: { title: string }) => title)).toEqual([
      'unicharacter/ada',
      'unicharacter/bo',
    ]);
    await post('/sdapi/v1/options', { sd_model_checkpoint: 'unicharacter/bo' });
    expect((await app.inject('/sdapi/v1/options')).json()).toEqual({
      sd_model_checkpoint: 'unicharacter/bo',
    });
    for (const list of ['samplers', 'schedulers', 'upscalers', 'latent-upscale-modes', 'sd-vae']) {
      expect(Array.isArray((await app.inject(`/sdapi/v1/${list}`)).json())).toBe(true);
    }
  });

  it('draw, with the fields that such clients send', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const { body } = await post('/sdapi/v1/txt2img', {
      prompt: 'Mimi at sea',
      negative_prompt: 'blurry',
      sampler_name: 'Euler a',
      scheduler: 'Automatic',
      steps: 4,
      cfg_scale: 7,
      width: 64,
      height: 32,
      seed: -1,
      denoising_strength: 0.7,
      restore_faces: false,
      enable_hr: false,
      override_settings: { CLIP_stop_at_last_layers: 1 },
      override_settings_restore_afterwards: true,
    });
    expect(await size(body.images[0])).toEqual([64, 32]);
    expect(JSON.parse(body.info).seed).toBeGreaterThanOrEqual(0);
    expect(engine.calls[0]).toMatchObject({
      method: 'imagine',
      request: { prompt: 'Mimi at sea', steps: 4, cfg: 7, width: 64, height: 32 },
    });
  });
});

describe('the server as a whole', () => {
  it('describes every route', async () => {
    app = await serveFake(new FakeEngine());
    const { paths } = (await app.inject('/openapi.json')).json();
    for (const path of [
      '/v1/models',
      '/v1/chat/completions',
      '/v1/images/generations',
      '/sdapi/v1/txt2img',
    ]) {
      expect(paths).toHaveProperty([path]);
    }
    expect(
      paths['/v1/chat/completions'].post.requestBody.content['application/json'].schema.required,
    ).toEqual(['messages']);
    expect((await app.inject('/docs/')).statusCode).toBe(200);
  });

  it('counts what it does', async () => {
    app = await serveFake(new FakeEngine());
    await app.inject('/v1/models');
    const metrics = (await app.inject('/metrics')).body;
    expect(metrics).toContain('unicharacter_request_seconds_count{route="/v1/models",status="200"} 1');
    expect(metrics).toContain('unicharacter_queue_length 0');
  });

  it('sends headers that keep pages from being abused', async () => {
    app = await serveFake(new FakeEngine(), { allowedOrigins: ['https://friend.example'] });
    const page = await app.inject('/');
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    const from = async (origin: string) =>
      (await app.inject({ url: '/v1/models', headers: { origin } })).headers['access-control-allow-origin'];
    expect(await from('https://friend.example')).toBe('https://friend.example');
    expect(await from('https://stranger.example')).toBeUndefined();
  });

  it('frees the weights when it closes', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    await post('/v1/completions', { prompt: 'Hi' });
    await app.close();
    expect(engine.disposed).toBe(1);
  });

  it('keeps a picture once however often it is drawn', async () => {
    const engine = new FakeEngine();
    const pictures = mkdtempSync(join(tmpdir(), 'unicharacter-pictures-'));
    app = await serveFake(engine, { pictures });
    await post('/v1/images/generations', { prompt: 'Mimi', n: 3 });
    expect(readdirSync(pictures)).toHaveLength(1);
  });
});
