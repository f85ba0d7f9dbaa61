/** What attackers try that other tests do not: places of files in addresses, pictures that announce too much, keys in the log. */
import { encodePng, solidImage } from '@unicharacter/core';
import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '../src/routes/app.js';
import { openState, type State } from '../src/state/state.js';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

let app: App;
let state: State | undefined;
afterEach(async () => {
  await app.close();
  await state?.close();
  state = undefined;
});

const chat = (url: string) => ({
  method: 'POST' as const,
  url: '/v1/chat/completions',
  payload: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
});
const dataUrl = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`;

const PLACES = [
  '/v1/files/..%2f..%2f..%2f..%2fetc%2fpasswd/content',
  '/v1/files/../../../../etc/passwd/content',
  '/v1/characters/portrait/..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/v1/models/../../../../etc/passwd',
  '/assets/..%2f..%2f..%2fpackage.json',
  '/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
  '/docs/static/..%2f..%2f..%2fpackage.json',
  '/..%5c..%5cpackage.json',
  '/%00/etc/passwd',
  '/v1/files/%ff/content',
];

it('places of files in addresses lead nowhere', async () => {
  app = await serveFake(new FakeEngine());
  for (const url of PLACES) {
    const { statusCode, body } = await app.inject(url);
    expect([400, 403, 404], url).toContain(statusCode);
    expect(body).not.toMatch(/root:|"dependencies"/);
  }
});

describe('pictures in chats', () => {
  it('that announce more pixels than anybody has are refused before they are unpacked', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const huge = await encodePng(solidImage(8, 8));
    huge.writeUInt32BE(60_000, 16);
    huge.writeUInt32BE(60_000, 20);
    const { statusCode, body } = await app.inject(chat(dataUrl(huge)));
    expect([statusCode, JSON.parse(body).error.code]).toEqual([400, 'invalid_image']);
    expect(engine.calls).toEqual([]);
  });

  it('are never fetched', async () => {
    const engine = new FakeEngine();
    app = await serveFake(engine);
    const urls = [
      'file:///etc/passwd',
      'http://169.254.169.254/',
      'https://example.org/a.png',
      'data:text/html,x',
    ];
    for (const url of urls) expect((await app.inject(chat(url))).statusCode, url).toBe(400);
    expect(engine.calls).toEqual([]);
  });
});

it('keys are never in the log nor in an answer, whatever goes wrong', async () => {
  const lines: string[] = [];
  const engine = new FakeEngine();
  state = await openState({});
  app = await serveFake(engine, {
    state,
    apiKeys: ['operators-secret'],
    logger: { level: 'trace', stream: { write: (line: string) => lines.push(line) } },
  });
  const { key } = await state.keys.create({ name: 'phone' });
  engine.beforeStep = () => {
    throw new Error('the engine is broken');
  };
  const keys = ['operators-secret', key, 'guessed-secret'];
  const headers = [
    ...keys.map((one) => `Bearer ${one}`),
    ...keys.map((one) => `Basic ${Buffer.from(`me:${one}`).toString('base64')}`),
  ];
  const answers: string[] = [];
  for (const authorization of headers) {
    for (const url of ['/v1/models', '/v1/nothing', '/sdapi/v1/options']) {
      answers.push((await app.inject({ url, headers: { authorization } })).body);
    }
    const payload = { messages: [{ role: 'user', content: 'Hi' }] };
    const url = '/v1/chat/completions';
    answers.push((await app.inject({ method: 'POST', url, headers: { authorization }, payload })).body);
  }
  const log = lines.join('');
  expect(log).toContain('the engine is broken');
  const secrets = [...keys, ...headers.map((header) => header.split(' ')[1]!)];
  for (const secret of secrets) {
    expect(log).not.toContain(secret);
    expect(answers.join('')).not.toContain(secret);
  }
});
