import { decodeImage, encodePng } from '@unicharacter/core';
import { describe, expect, it } from 'vitest';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

const MODEL = 'unicharacter/mimi-moss';
const hello = [{ role: 'user', content: 'Hi' }];

async function post(engine: FakeEngine, body: object, options = {}) {
  const app = await serveFake(engine, options);
  const response = await app.inject({ method: 'POST', url: '/v1/chat/completions', payload: body });
  await app.close();
  return response;
}

/** The JSON of the `data:` lines, without `[DONE]`. */
function events(body: string) {
  const lines = body.split('\n').filter((line) => line.startsWith('data: '));
  expect(lines.at(-1)).toBe('data: [DONE]');
  return lines.slice(0, -1).map((line) => JSON.parse(line.slice(6)));
}

async function decode(part: { type: string; image_url: { url: string } }) {
  expect(part.type).toBe('image_url');
  expect(part.image_url.url).toMatch(/^data:image\/png;base64,/);
  return await decodeImage(Buffer.from(part.image_url.url.split(',')[1] ?? '', 'base64'));
}

describe('a whole answer', () => {
  it('has the shape of an OpenAI completion', async () => {
    const response = await post(new FakeEngine(), { model: MODEL, messages: hello });
    expect(response.statusCode).toBe(200);
    const body = response.json();
    expect(body).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
    expect(body.id).toMatch(/^chatcmpl-/);
    expect(Math.abs(body.created - Date.now() / 1000)).toBeLessThan(60);
    expect(body.choices[0].message.images).toBeUndefined();
  });

  it('hands history and sampling to the engine and ignores fields that it does not know', async () => {
    const engine = new FakeEngine();
    await post(engine, {
      messages: [{ role: 'user', content: 'A' }, { role: 'assistant', content: 'B' }, ...hello],
      seed: 7,
      temperature: 0.3,
      max_tokens: 2,
      top_k: 40,
      logit_bias: {},
      presence_penalty: 0,
    });
    expect(engine.calls[0]).toMatchObject({
      method: 'reply',
      request: {
        user: 'Hi',
        history: [
          { role: 'user', text: 'A' },
          { role: 'assistant', text: 'B' },
        ],
        seed: 7,
        temperature: 0.3,
        maxTokens: 2,
      },
    });
  });

  it('goes on with an answer that the client began', async () => {
    const engine = new FakeEngine();
    await post(engine, { messages: [...hello, { role: 'assistant', content: 'Well,' }] });
    expect(engine.calls[0]).toMatchObject({
      method: 'reply',
      request: { user: 'Hi', history: [], begin: 'Well,' },
    });
  });

  it('says when the length limit ended it', async () => {
    const body = (await post(new FakeEngine(), { messages: hello, max_completion_tokens: 2 })).json();
    expect(body.choices[0]).toMatchObject({ message: { content: 'Hello there' }, finish_reason: 'length' });
  });

  it('ends before a stop sequence and stops the engine', async () => {
    const engine = new FakeEngine(['One', ' two', ' th', 'ree', ' four', ' five']);
    const body = (await post(engine, { messages: hello, stop: [' three'] })).json();
    expect(body.choices[0]).toMatchObject({ message: { content: 'One two' }, finish_reason: 'stop' });
    expect(engine.aborted).toBe(1);
  });

  it('takes null for absent, as clients send it', async () => {
    const body = {
      messages: hello,
      seed: null,
      temperature: null,
      max_tokens: null,
      stop: null,
      stream_options: null,
    };
    expect((await post(new FakeEngine(), body)).statusCode).toBe(200);
  });
});

describe('pictures', () => {
  it('draws the moment when text and image are asked for', async () => {
    const engine = new FakeEngine();
    const drawing = { width: 32, height: 16, num_inference_steps: 4, guidance_scale: 3 };
    const body = (await post(engine, { messages: hello, modalities: ['text', 'image'], ...drawing })).json();
    const { content, images } = body.choices[0].message;
    expect(content).toBe('Hello there!');
    expect(images).toHaveLength(1);
    const image = await decode(images[0]);
    expect([image.width, image.height, image.data[0]]).toEqual([32, 16, 200]);
    expect(engine.calls[0]).toMatchObject({ method: 'rolePlay', request: { steps: 4, cfg: 3 } });
  });

  it('draws without words when only an image is asked for', async () => {
    const engine = new FakeEngine();
    const body = (await post(engine, { messages: hello, modalities: ['image'] })).json();
    expect(body.choices[0].message.content).toBe('');
    expect(body.choices[0].message.images).toHaveLength(1);
    expect(body.usage).toEqual({ prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 });
    expect(engine.calls[0]).toMatchObject({ method: 'imagine', request: { prompt: 'Hi' } });
  });

  it('shows a picture to the character', async () => {
    const engine = new FakeEngine(['A square.']);
    const png = await encodePng({ width: 3, height: 3, data: new Uint8Array(27).fill(9) });
    const url = `data:image/png;base64,${png.toString('base64')}`;
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url, detail: 'low' } },
    ];
    const body = (await post(engine, { messages: [{ role: 'user', content }] })).json();
    expect(body.choices[0].message.content).toBe('A square.');
    expect(engine.calls[0]).toMatchObject({
      method: 'ask',
      request: { question: 'What is this?', image: { width: 3, height: 3 } },
    });
  });
});

describe('a streamed answer', () => {
  it('sends role, words, finish reason and [DONE] under one id', async () => {
    const response = await post(new FakeEngine(), { messages: hello, stream: true });
    expect(response.headers['content-type']).toContain('text/event-stream');
    const chunks = events(response.body);
    expect(chunks.map((chunk) => chunk.choices[0])).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
      { index: 0, delta: { content: 'Hello' }, finish_reason: null },
      { index: 0, delta: { content: ' there' }, finish_reason: null },
      { index: 0, delta: { content: '!' }, finish_reason: null },
      { index: 0, delta: {}, finish_reason: 'stop' },
    ]);
    expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.object}`)).size).toBe(1);
  });

  it('adds usage when asked to', async () => {
    const body = { messages: hello, stream: true, stream_options: { include_usage: true } };
    const chunks = events((await post(new FakeEngine(), body)).body);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
    expect(chunks[0].usage).toBeNull();
  });

  it('sends the picture in a delta after the words', async () => {
    const body = { messages: hello, stream: true, modalities: ['text', 'image'] };
    const deltas = events((await post(new FakeEngine(), body)).body).map((chunk) => chunk.choices[0].delta);
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('Hello there!');
    const image = await decode(deltas.at(-2).images[0]);
    expect([image.width, image.height]).toEqual([4, 2]);
  });

  it('never shows a stop sequence that comes in pieces', async () => {
    const engine = new FakeEngine(['a', '<', 'end', '>', 'b']);
    const chunks = events((await post(engine, { messages: hello, stream: true, stop: '<end>' })).body);
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).toBe('a');
  });

  it('tells of a failure inside the stream, without [DONE]', async () => {
    const engine = new FakeEngine();
    engine.beforeStep = () => {
      if (engine.calls.length > 0) throw new Error('secret detail');
    };
    const { body } = await post(engine, { messages: hello, stream: true });
    const last = JSON.parse(body.trim().split('\n').at(-1)?.slice(6) ?? '');
    expect(last.error).toMatchObject({ type: 'server_error', code: null });
    expect(body).not.toContain('secret detail');
    expect(body).not.toContain('[DONE]');
  });
});
