import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../src/listen.js';
import type { App } from '../src/routes/app.js';
import type { OpenDatabase } from '../src/state/database.js';
import { State } from '../src/state/state.js';
import { FakeEngine } from './fake-engine.js';
import { databases, openTestDatabase } from './postgres-server.js';
import { serveFake } from './serve-fake.js';

describe.each(databases)('stored API keys in %s', (_, onServer) => {
  let open: OpenDatabase;
  let state: State;
  let app: App;
  const engine = new FakeEngine();
  beforeAll(async () => {
    open = await openTestDatabase(onServer);
    state = new State(open);
    app = await serveFake(engine, { state });
  });
  afterAll(async () => {
    await app.close();
    await state.close();
  });

  const models = (authorization?: string, url = '/v1/models') =>
    app.inject({ url, headers: authorization ? { authorization } : {} });
  const outcome = async (authorization?: string, url?: string) => {
    const response = await models(authorization, url);
    return response.statusCode === 200 ? 200 : response.json().error.code;
  };

  it('are asked for from the first one on, and still after the last was revoked', async () => {
    expect(await outcome()).toBe(200);
    const { id, key } = await state.keys.create({ name: 'phone' });
    expect(key).toMatch(/^uc-[\w-]{43}$/);
    expect(await outcome()).toBe('missing_api_key');
    expect(await outcome(`Bearer ${key}`)).toBe(200);
    expect(await outcome(`bearer ${key}`)).toBe(200);
    for (const wrong of [`Bearer ${key}x`, 'Bearer uc-', `Bearer ${id}`]) {
      expect(await outcome(wrong)).toBe('invalid_api_key');
    }
    expect(await outcome(`Basic ${key}`)).toBe('missing_api_key');
    expect(await state.keys.revoke(id)).toBe(true);
    expect(await state.keys.revoke(id)).toBe(false);
    expect([await outcome(`Bearer ${key}`), await outcome()]).toEqual(['invalid_api_key', 'missing_api_key']);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });

  it('are a password for image extensions', async () => {
    const { key } = await state.keys.create({ name: 'pictures' });
    const basic = `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}`;
    expect(await outcome(basic, '/sdapi/v1/sd-models')).toBe(200);
    expect(await outcome(`Basic ${Buffer.from('anyone:no').toString('base64')}`, '/sdapi/v1/options')).toBe(
      'invalid_api_key',
    );
    expect(await outcome(basic)).toBe('missing_api_key');
  });

  it('are not in the database', async () => {
    const { key } = await state.keys.create({ name: 'secret' });
    const { rows } = (await open.database.execute(
      sql`SELECT api_keys::text AS row FROM api_keys`,
    )) as unknown as {
      rows: { row: string }[];
    };
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ row }) => row.includes(key) || row.includes(key.slice(3)))).toEqual([]);
  });

  it('have limits of their own, and conversations of their own', async () => {
    const { key } = await state.keys.create({ name: 'slow', requestsPerMinute: 3 });
    const other = await state.keys.create({ name: 'other' });
    const headers = { authorization: `Bearer ${key}` };
    const begun = await app.inject({ method: 'POST', url: '/v1/conversations', headers, payload: {} });
    expect(begun.headers['x-ratelimit-remaining-requests']).toBe('2');
    const url = `/v1/conversations/${begun.json().id}`;
    expect([await outcome(`Bearer ${key}`, url), await outcome(`Bearer ${other.key}`, url)]).toEqual([
      200,
      'conversation_not_found',
    ]);
    await models(`Bearer ${key}`);
    const refused = await models(`Bearer ${key}`);
    expect(refused.statusCode).toBe(429);
    // A place comes free every 20 s; some of them have passed by now.
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(20);
    expect(await outcome(`Bearer ${other.key}`)).toBe(200);
  });

  it('give a place back when an answer is streamed to its end', async () => {
    const { key } = await state.keys.create({ name: 'one', concurrentRequests: 1 });
    const headers = { authorization: `Bearer ${key}` };
    const payload = { stream: true, messages: [{ role: 'user', content: 'Hi' }] };
    const talk = () => app.inject({ method: 'POST', url: '/v1/chat/completions', headers, payload });
    let goOn = () => {};
    const begun = new Promise<void>((begin) => {
      engine.beforeStep = () => {
        begin();
        return new Promise((resolve) => {
          goOn = resolve;
        });
      };
    });
    const first = talk().then(({ statusCode }) => statusCode);
    await begun;
    expect((await talk()).statusCode).toBe(429);
    engine.beforeStep = () => {};
    goOn();
    expect(await first).toBe(200);
    expect((await talk()).body).toContain('[DONE]');
  });

  it('give a place back when the client leaves', async () => {
    const { key } = await state.keys.create({ name: 'leaver', concurrentRequests: 1 });
    const address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: true });
    const talk = (signal?: AbortSignal) =>
      fetch(`${address}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
        ...(signal ? { signal } : {}),
      });
    let goOn = () => {};
    engine.beforeStep = () =>
      new Promise((resolve) => {
        goOn = resolve;
      });
    const leaving = new AbortController();
    await talk(leaving.signal);
    expect((await talk()).status).toBe(429);
    leaving.abort();
    engine.beforeStep = () => {};
    goOn();
    await expect.poll(async () => (await talk()).status).toBe(200);
  });
});
