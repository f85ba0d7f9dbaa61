import { ContextLengthError } from '@unicharacter/core';
import { describe, expect, it } from 'vitest';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

const hello = [{ role: 'user', content: 'Hi' }];

interface Case {
  name: string;
  payload: object | string;
  headers?: Record<string, string>;
  status: number;
  error: { type: string; param: string | null; code: string | null };
  message: RegExp;
}

const invalid = (param: string | null, code: string | null = null) => ({
  type: 'invalid_request_error',
  param,
  code,
});

const CASES: Case[] = [
  {
    name: 'no messages',
    payload: {},
    status: 400,
    error: invalid('messages'),
    message: /messages/,
  },
  {
    name: 'an empty list of messages',
    payload: { messages: [] },
    status: 400,
    error: invalid('messages'),
    message: /messages/,
  },
  {
    name: 'an unknown role',
    payload: { messages: [{ role: 'narrator', content: 'x' }] },
    status: 400,
    error: invalid('messages[0].role'),
    message: /messages\[0\]\.role/,
  },
  {
    name: 'a temperature out of range',
    payload: { messages: hello, temperature: 9 },
    status: 400,
    error: invalid('temperature'),
    message: /temperature/,
  },
  {
    name: 'text where a number belongs',
    payload: { messages: hello, max_tokens: '12' },
    status: 400,
    error: invalid('max_tokens'),
    message: /max_tokens/,
  },
  {
    name: 'more choices than it makes',
    payload: { messages: hello, n: 9 },
    status: 400,
    error: invalid('n'),
    message: /n/,
  },
  {
    name: 'an image that is none',
    payload: {
      messages: [
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,bm90IGFuIGltYWdl' } }],
        },
      ],
    },
    status: 400,
    error: invalid('messages', 'invalid_image'),
    message: /image cannot be read/,
  },
  {
    name: 'an image address',
    payload: {
      messages: [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://127.0.0.1/a.png' } }] },
      ],
    },
    status: 400,
    error: invalid('messages[0].content[0].image_url.url', 'invalid_image_url'),
    message: /not fetched/,
  },
  {
    name: 'another model',
    payload: { messages: hello, model: 'gpt-4' },
    status: 404,
    error: { type: 'not_found_error', param: 'model', code: 'model_not_found' },
    message: /"gpt-4" does not exist; this server has "unicharacter\/mimi-moss"/,
  },
  {
    name: 'broken JSON',
    payload: '{"messages": [',
    headers: { 'content-type': 'application/json' },
    status: 400,
    error: invalid(null),
    message: /JSON/,
  },
  {
    name: 'another content type',
    payload: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    error: invalid(null, 'unsupported_media_type'),
    message: /application\/json/,
  },
  {
    name: 'a body over the limit',
    payload: { messages: [{ role: 'user', content: 'x'.repeat(5000) }] },
    status: 413,
    error: invalid(null, 'request_too_large'),
    message: /too large/,
  },
];

describe('errors of POST /v1/chat/completions', () => {
  it.each(CASES)('$name', async ({ payload, headers, status, error, message }) => {
    const engine = new FakeEngine();
    const app = await serveFake(engine, { bodyLimit: 4096 });
    const response = await app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      payload,
      ...(headers ? { headers } : {}),
    });
    await app.close();
    expect(response.statusCode).toBe(status);
    const body = response.json();
    expect(Object.keys(body)).toEqual(['error']);
    expect(body.error).toMatchObject(error);
    expect(body.error.message).toMatch(message);
    expect(engine.calls).toEqual([]);
  });

  it('hides what went wrong inside', async () => {
    const engine = new FakeEngine();
    engine.beforeStep = () => {
      throw new Error('secret detail');
    };
    const app = await serveFake(engine);
    const response = await app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      payload: { messages: hello },
    });
    expect(response.statusCode).toBe(500);
    expect(response.json().error).toMatchObject({ type: 'server_error', param: null, code: null });
    expect(response.body).not.toContain('secret detail');
    await app.close();
  });
});

describe('a conversation longer than the model reads', () => {
  it('is refused as the fault of the request', async () => {
    const engine = new FakeEngine();
    engine.beforeStep = () => {
      throw new ContextLengthError('the text needs 5000 positions, the model has 4096; shorten it');
    };
    const app = await serveFake(engine);
    const response = await app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      payload: { messages: hello },
    });
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject(invalid('messages', 'context_length_exceeded'));
    expect(response.json().error.message).toContain('5000 positions');
    await app.close();
  });
});

describe('other addresses', () => {
  it('lists the one model and describes it', async () => {
    const app = await serveFake(new FakeEngine());
    const list = (await app.inject('/v1/models')).json();
    expect(list).toMatchObject({
      object: 'list',
      data: [{ id: 'unicharacter/mimi-moss', object: 'model', owned_by: 'unicharacter' }],
    });
    expect((await app.inject('/v1/models/unicharacter/mimi-moss')).json()).toEqual(list.data[0]);
    const missing = await app.inject('/v1/models/gpt-4');
    expect([missing.statusCode, missing.json().error.code]).toEqual([404, 'model_not_found']);
    await app.close();
  });

  it('answers unknown ones in the same shape', async () => {
    const app = await serveFake(new FakeEngine());
    const response = await app.inject('/v1/nothing');
    expect(response.statusCode).toBe(404);
    expect(response.json().error).toMatchObject({ type: 'not_found_error', code: 'unknown_url' });
    await app.close();
  });

  it('asks for the key everywhere but on the page and for the health of the server', async () => {
    const app = await serveFake(new FakeEngine(), { apiKeys: ['secret'] });
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await app.inject('/')).statusCode).toBe(200);
    expect((await app.inject('/docs')).statusCode).toBe(401);
    const refused = await app.inject('/v1/models');
    expect(refused.statusCode).toBe(401);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(refused.json().error).toMatchObject({ type: 'authentication_error', code: 'missing_api_key' });
    const wrong = await app.inject({ url: '/v1/models', headers: { authorization: 'Bearer guess' } });
    expect([wrong.statusCode, wrong.json().error.code]).toEqual([401, 'invalid_api_key']);
    const right = await app.inject({ url: '/v1/models', headers: { authorization: 'Bearer secret' } });
    expect(right.statusCode).toBe(200);
    await app.close();
  });
});
