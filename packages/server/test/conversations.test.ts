import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, readPngTexts, solidImage } from '@unicharacter/core';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../src/routes/app.js';
import { openEmbedded, openServer, StateError } from '../src/state/database.js';
import { openState, type State } from '../src/state/state.js';
import { FakeEngine } from './fake-engine.js';
import { databases, PostgresServer } from './postgres-server.js';
import { serveFake } from './serve-fake.js';

const CHARACTER = 'unicharacter/mimi-moss';

describe.each(databases)('conversations in %s', (_, onServer) => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-pictures-'));
  let server: PostgresServer | undefined;
  let state: State;
  let app: App;
  beforeAll(async () => {
    if (onServer) {
      server = new PostgresServer();
      await server.start();
    }
    state = await openState(server ? { databaseUrl: server.url } : {});
    app = await serveFake(new FakeEngine(), { state, pictures: folder });
  });
  afterAll(async () => {
    await app?.close();
    await state?.close();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function call(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) {
    const response = await app.inject({ method, url, ...(payload ? { payload } : {}) });
    return { status: response.statusCode, body: response.json() };
  }
  const begin = async () => (await call('POST', '/v1/conversations', {})).body.id as string;
  const say = async (id: string, message: object) =>
    (await call('POST', `/v1/conversations/${id}/messages`, message)).body;

  it('keep every branch in order and show the head', async () => {
    const id = await begin();
    const hello = await say(id, { role: 'user', content: 'Hello 狐' });
    const first = await say(id, { role: 'assistant', content: 'Purr' });
    const second = await say(id, { role: 'assistant', content: 'Meow', parent: hello.id });
    expect([hello.parent, first.parent, second.parent]).toEqual([null, hello.id, hello.id]);
    const { body } = await call('GET', `/v1/conversations/${id}`);
    expect(body).toMatchObject({ object: 'conversation', character: CHARACTER, head: second.id });
    expect(body.messages.map(({ content }: { content: string }) => content)).toEqual([
      'Hello 狐',
      'Purr',
      'Meow',
    ]);
    expect((await call('POST', `/v1/conversations/${id}`, { head: first.id })).body.head).toBe(first.id);
    const { data } = (await call('GET', `/v1/conversations?character=${CHARACTER}&limit=1`)).body;
    expect(data).toMatchObject([{ id, title: 'Hello 狐', head: first.id }]);
  });

  it('have the name that they are given', async () => {
    const id = await begin();
    await say(id, { role: 'user', content: 'Hello' });
    const renamed = await call('POST', `/v1/conversations/${id}`, { title: 'The lake' });
    expect([renamed.status, renamed.body.title]).toEqual([200, 'The lake']);
    expect((await call('GET', `/v1/conversations/${id}`)).body.title).toBe('The lake');
    for (const wrong of [{}, { title: '' }, { title: 'nul \u0000' }]) {
      expect((await call('POST', `/v1/conversations/${id}`, wrong)).status).toBe(400);
    }
  });

  it('store a message that is sent twice once', async () => {
    const id = await begin();
    const message = { id: randomUUID(), role: 'user', content: 'Once' };
    const both = await Promise.all([say(id, message), say(id, message)]);
    expect(both[0]).toEqual(both[1]);
    expect((await call('GET', `/v1/conversations/${id}`)).body.messages).toHaveLength(1);
    const taken = await call('POST', `/v1/conversations/${id}/messages`, { ...message, content: 'Twice' });
    expect([taken.status, taken.body.error.code]).toEqual([409, 'id_taken']);
  });

  it('are forgotten with all messages', async () => {
    const id = await begin();
    await say(id, { role: 'user', content: 'Hello' });
    expect((await call('DELETE', `/v1/conversations/${id}`)).body.deleted).toBe(true);
    expect((await call('GET', `/v1/conversations/${id}`)).status).toBe(404);
    expect((await call('DELETE', `/v1/conversations/${id}`)).status).toBe(404);
    expect(await state.conversations.messages(id)).toEqual([]);
  });

  it('are seen by their owner only', async () => {
    const { id } = await state.conversations.create('somebody', CHARACTER);
    expect((await call('GET', `/v1/conversations/${id}`)).status).toBe(404);
    expect(await say(id, { role: 'user', content: 'Hi' })).toMatchObject({
      error: { code: 'conversation_not_found' },
    });
    expect(await state.conversations.remove('operator', id)).toBe(false);
  });

  it('keep pictures as pixels and nothing else', async () => {
    const id = await begin();
    const png = await encodePng(solidImage(5, 4, [1, 2, 3]), { Comment: 'hidden' });
    const polyglot = Buffer.concat([png, Buffer.from('<script>alert(1)</script>')]);
    const url = `data:image/png;base64,${polyglot.toString('base64')}`;
    const { picture } = await say(id, { role: 'user', content: 'Look', picture: url });
    const stored = (await app.inject(picture)).rawPayload;
    expect(stored.includes('script')).toBe(false);
    expect(readPngTexts(stored)).toEqual({});
    const file = picture.split('/')[3];
    expect((await say(id, { role: 'assistant', content: 'I see', picture: file })).picture).toBe(picture);
    const nothing = { role: 'user', content: 'Look', picture: 'data:image/png;base64,AAAA' };
    expect((await say(id, nothing)).error.code).toBe('invalid_image');
    expect(readdirSync(folder).filter((name) => name.includes(file))).toHaveLength(1);
  });

  it.each([
    [{ role: 'system', content: 'x' }, 'role'],
    [{ role: 'user', content: 'nul \u0000' }, 'content'],
    [{ role: 'user', content: 'x', parent: randomUUID() }, 'parent'],
    [{ role: 'user', content: 'x', id: 'seven' }, 'id'],
    [{ role: 'user', content: 'x', picture: 'http://127.0.0.1/a.png' }, 'picture'],
  ])('refuse %j', async (message, param) => {
    const { error } = await say(await begin(), message);
    expect([error.type, error.param]).toEqual(['invalid_request_error', param]);
  });

  it.skipIf(!onServer)('answer 503 while the database is down, and go on afterwards', async () => {
    const id = await begin();
    await say(id, { role: 'user', content: 'Before' });
    await server!.kill();
    const refused = await app.inject({ method: 'GET', url: `/v1/conversations/${id}` });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5']);
    expect(refused.json().error.code).toBe('state_unavailable');
    await server!.start();
    await expect.poll(async () => (await call('GET', `/v1/conversations/${id}`)).status).toBe(200);
    await say(id, { role: 'assistant', content: 'After' });
    const { messages } = (await call('GET', `/v1/conversations/${id}`)).body;
    expect(messages.map(({ content }: { content: string }) => content)).toEqual(['Before', 'After']);
  });

  it.skipIf(!onServer)('are migrated once by servers that start together', async () => {
    const again = await Promise.all([1, 2, 3].map(() => openServer(server!.url)));
    for (const { close } of again) await close();
    await state.conversations.list('operator', undefined, 1);
  });
});

describe('a state folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-state-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('belongs to one process', async () => {
    const lock = join(folder, 'state.lock');
    writeFileSync(lock, String(process.ppid));
    await expect(openEmbedded(folder)).rejects.toThrow(
      new RegExp(`process ${process.ppid} has this state open`),
    );
    rmSync(lock);
  });

  it('is not touched when a newer version wrote it', async () => {
    const { database, close } = await openEmbedded(folder);
    await database.execute(
      sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('later', 9999999999999)`,
    );
    await close();
    const refused = openEmbedded(folder);
    await expect(refused).rejects.toThrow(StateError);
    await expect(refused).rejects.toThrow('a newer version wrote it');
    expect(existsSync(join(folder, 'state.lock'))).toBe(false);
  });
});
