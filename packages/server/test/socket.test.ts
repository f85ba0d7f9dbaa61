import { afterEach, describe, expect, it } from 'vitest';
import type { ServerOptions } from '../src/build-server.js';
import { listen } from '../src/listen.js';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(engine: FakeEngine, options: Partial<ServerOptions> = {}): Promise<string> {
  const app = await serveFake(engine, options);
  closers.push(() => app.close());
  return await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
}

const request = (body: object, signal?: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], ...body }),
  ...(signal ? { signal } : {}),
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An engine that waits before every word until `release` is called. */
function waitingEngine() {
  const engine = new FakeEngine();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  engine.beforeStep = () => gate;
  return { engine, release: () => release() };
}

describe('over a real socket', () => {
  it('streams word by word, before the answer is finished', async () => {
    const engine = new FakeEngine(['first', ' second']);
    let words = 0;
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    engine.beforeStep = () => (words++ === 0 ? undefined : gate);
    const url = await start(engine);
    const response = await fetch(`${url}/v1/chat/completions`, request({ stream: true }));
    const reader = response.body?.getReader();
    let text = '';
    while (!text.includes('first')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(text).not.toContain('second');
    release();
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) {
      text += Buffer.from(part?.value ?? []).toString();
    }
    expect(text).toContain('second');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it.each([true, false])('stops the engine when the client leaves (stream: %s)', async (stream) => {
    const { engine, release } = waitingEngine();
    const url = await start(engine);
    const client = new AbortController();
    const left = fetch(`${url}/v1/chat/completions`, request({ stream }, client.signal)).then((response) =>
      response.text(),
    );
    left.catch(() => {});
    await until(() => engine.calls.length === 1);
    client.abort();
    await expect(left).rejects.toThrow();
    const signal = (engine.calls[0]?.request as { signal?: AbortSignal } | undefined)?.signal;
    await until(() => signal?.aborted === true);
    release();
    await until(() => engine.aborted === 1);
    const next = await fetch(`${url}/v1/chat/completions`, request({}));
    expect(next.status).toBe(200);
  });

  it('works on one request at a time, lets some wait and sends the rest away', async () => {
    const { engine, release } = waitingEngine();
    const url = await start(engine, { queueLimit: 1, concurrency: 1 });
    const first = fetch(`${url}/v1/chat/completions`, request({}));
    await until(() => engine.calls.length === 1);
    const second = fetch(`${url}/v1/chat/completions`, request({}));
    const queueLength = async () =>
      ((await (await fetch(`${url}/readyz`)).json()) as { queue: number }).queue;
    while ((await queueLength()) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const third = await fetch(`${url}/v1/chat/completions`, request({}));
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await third.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } });
    expect(engine.calls).toHaveLength(1);
    release();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    expect(await queueLength()).toBe(0);
  });

  it('does not open to other machines without a key', async () => {
    const app = await serveFake(new FakeEngine());
    await expect(listen(app, { host: '0.0.0.0', port: 0, hasKeys: false })).rejects.toThrow(
      'without an API key',
    );
    await app.close();
  });
});
