/** Answers that take too long, and servers that are closed while they answer. */
import { expect, it } from 'vitest';
import type { ServerOptions } from '../src/build-server.js';
import { listen } from '../src/listen.js';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

async function start(engine: FakeEngine, options: Partial<ServerOptions>) {
  const app = await serveFake(engine, options);
  const url = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
  const chat = (stream: boolean) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream }),
    });
  return { app, url, chat };
}

/** Says ten words a second for hours. */
function slowEngine(): FakeEngine {
  const engine = new FakeEngine(Array.from({ length: 100_000 }, (_, n) => ` ${n}`));
  engine.beforeStep = () => new Promise((resolve) => setTimeout(resolve, 100));
  return engine;
}

/** Says one word, and the rest when it is released. */
function waitingEngine() {
  const engine = new FakeEngine(['Hello', ' there']);
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let words = 0;
  engine.beforeStep = () => (words++ === 0 ? undefined : gate);
  return { engine, release: () => release() };
}

it('gives up an answer that takes too long, and says so', async () => {
  const engine = slowEngine();
  const { app, chat } = await start(engine, { requestSeconds: 0.5, concurrency: 1 });
  const error = {
    message: expect.stringContaining('not finished within 0.5 s'),
    type: 'server_error',
    param: null,
    code: 'timeout',
  };
  const [running, waiting] = [chat(false), chat(false)];
  expect((await running).status).toBe(504);
  expect(await (await running).json()).toEqual({ error });
  expect((await waiting).status).toBe(504);
  const text = await (await chat(true)).text();
  const events = text.trim().split('\n\n');
  expect(text).toContain('"content":" 0"');
  expect(JSON.parse(events.at(-1)!.slice('data: '.length))).toEqual({ error });
  expect(engine.aborted).toBeGreaterThanOrEqual(2);
  await app.close();
});

it('finishes what it has begun when it is closed, and takes nothing new', async () => {
  const { engine, release } = waitingEngine();
  const { app, url, chat } = await start(engine, {});
  const begun = await chat(true);
  const closed = app.close();
  const refused = await chat(false);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await refused.json()).toMatchObject({ error: { type: 'server_error', code: 'server_closing' } });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'closing' }]);
  release();
  const text = await begun.text();
  expect(text).toContain(' there');
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  await closed;
  await expect(chat(false)).rejects.toThrow();
});

it('does not wait for ever when it is closed', async () => {
  const engine = slowEngine();
  const { app, chat } = await start(engine, { drainSeconds: 0.2 });
  const begun = await chat(true);
  await app.close();
  await expect(begun.text()).rejects.toThrow('terminated');
});
