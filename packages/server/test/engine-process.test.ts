/** The supervised process of the engine, with a stand-in for the model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ContextLengthError } from '@unicharacter/core';
import { afterEach, describe, expect, it } from 'vitest';
import { buildServer, EngineProcess, type EngineProcessOptions, listen } from '../dist/index.js';

const entry = fileURLToPath(new URL('engine-stand-in.mjs', import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function startEngine(options: Partial<EngineProcessOptions> = {}) {
  const crashes: string[] = [];
  const engine = new EngineProcess({
    entry,
    restart: { first: 10 },
    onCrash: (how) => crashes.push(how),
    ...options,
  });
  closers.push(() => engine.close());
  return { engine, crashes };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1000) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const said = (text: string) => ({ text, finish: 'stop', promptTokens: 1, completionTokens: 2 });
const gone = { status: 503, code: 'engine_unavailable', retryAfter: 2 };

describe('an engine process', () => {
  it('answers with words as they come, and with pictures', async () => {
    const { engine } = startEngine();
    expect(engine.state).toMatchObject({ status: 'idle', pid: null, memory: null });
    const mimi = await engine.open('mimi');
    const words: string[] = [];
    const steps: number[][] = [];
    const [reply, { image }] = await Promise.all([
      mimi.reply({ user: 'you', onToken: (word) => words.push(word) }),
      mimi.imagine({ prompt: 'a pond', seed: 7, width: 3, onStep: (...step) => steps.push(step) }),
    ]);
    expect([reply, words]).toEqual([said('mimi heard you'), ['mimi ', 'heard ', 'you']]);
    expect(image).toEqual({ width: 3, height: 2, data: new Uint8Array(18).fill(7) });
    expect(steps).toEqual([1, 2, 3].map((step) => [step, 3]));
    expect(engine.state).toMatchObject({
      status: 'ready',
      calls: 0,
      memory: { live: 1, peak: 2, resident: 3 },
    });
  });

  it('holds one character at a time and stops when asked to', async () => {
    const { engine } = startEngine();
    await engine.open('mimi');
    const bo = await engine.open('bo');
    expect(await bo.reply({ user: 'opened' })).toEqual(said('mimi, without mimi, bo'));
    const stop = new AbortController();
    const reply = await bo.reply({
      user: 'endless',
      signal: stop.signal,
      onToken: (word) => word === ' 3' && stop.abort(),
    });
    expect(reply.finish).toBe('aborted');
    expect(reply.text).toContain('bo heard endless 0 1 2 3');
  });

  it('hands errors on by their name', async () => {
    const { engine, crashes } = startEngine();
    await expect(engine.open('broken')).rejects.toThrow('broken: no weights');
    const mimi = await engine.open('mimi');
    await expect(mimi.reply({ user: 'too long' })).rejects.toThrow(ContextLengthError);
    expect(await mimi.reply({ user: 'you' })).toEqual(said('mimi heard you'));
    expect(crashes).toEqual([]);
  });

  it('fails what ran when it crashes, and loads again what it had', async () => {
    const { engine, crashes } = startEngine();
    const mimi = await engine.open('mimi');
    const { pid } = engine.state;
    const running = mimi.reply({ user: 'endless' });
    const crashing = mimi.reply({ user: 'crash' });
    await expect(running).rejects.toMatchObject(gone);
    await expect(crashing).rejects.toMatchObject(gone);
    await expect(crashing).rejects.toThrow(/SIGKILL/);
    expect(engine.state).toMatchObject({ status: 'restarting', crashes: 1, lastCrash: 'SIGKILL' });
    // Comes while there is no process, and waits for the next one.
    expect(await mimi.reply({ user: 'you' })).toEqual(said('mimi heard you'));
    expect(engine.state.pid).not.toBe(pid);
    process.kill(engine.state.pid as number, 'SIGSEGV');
    await until(() => engine.state.crashes === 2 && engine.state.status === 'ready');
    expect(crashes).toEqual(['SIGKILL', 'SIGSEGV']);
    expect(await mimi.reply({ user: 'opened' })).toEqual(said('mimi'));
  });

  it('is killed when it hangs', async () => {
    const { engine } = startEngine({ silence: 6000 });
    const mimi = await engine.open('mimi');
    await expect(mimi.reply({ user: 'hang' })).rejects.toMatchObject(gone);
    expect(await mimi.reply({ user: 'you' })).toEqual(said('mimi heard you'));
  });

  it('stays down after too many crashes', async () => {
    const { engine } = startEngine({ restart: { first: 10, crashes: 2 } });
    const mimi = await engine.open('mimi');
    await expect(mimi.reply({ user: 'crash' })).rejects.toMatchObject(gone);
    const failed = { status: 503, code: 'engine_failed' };
    await expect(mimi.reply({ user: 'crash' })).rejects.toMatchObject(failed);
    await expect(mimi.reply({ user: 'you' })).rejects.toMatchObject(failed);
    await expect(engine.open('bo')).rejects.toThrow('crashed 2 times within 60 s (last: SIGKILL)');
    expect(engine.state).toMatchObject({ status: 'failed', crashes: 2, pid: null });
  });

  it('goes with its owner, also in the pause before a start', async () => {
    const { engine } = startEngine();
    const mimi = await engine.open('mimi');
    const pid = engine.state.pid as number;
    const running = mimi.reply({ user: 'endless' });
    running.catch(() => {});
    await engine.close();
    await expect(running).rejects.toMatchObject(gone);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(mimi.reply({ user: 'you' })).rejects.toThrow('The server is closing');

    const { engine: other } = startEngine({ restart: { first: 60_000 } });
    const bo = await other.open('bo');
    await expect(bo.reply({ user: 'crash' })).rejects.toMatchObject(gone);
    const waiting = bo.reply({ user: 'you' });
    waiting.catch(() => {});
    await other.close();
    await expect(waiting).rejects.toThrow('The server is closing');
  });
});

describe('a server with an engine process', () => {
  async function serve(options: Partial<EngineProcessOptions> = {}) {
    const { engine } = startEngine(options);
    const pictures = mkdtempSync(join(tmpdir(), 'unicharacter-engine-'));
    const mimi = { name: 'Mimi', description: '', opening: '', open: () => engine.open('mimi') };
    const app = await buildServer([mimi], { pictures, engine });
    closers.push(
      () => rmSync(pictures, { recursive: true }),
      () => app.close(),
    );
    const url = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
    const chat = (user: string, stream: boolean) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: user }], stream }),
      });
    const ready = async () => {
      const response = await fetch(`${url}/readyz`);
      return { code: response.status, ...((await response.json()) as { status: string }) };
    };
    return { engine, url, chat, ready };
  }

  it('tells of a crash in the shape of the API, and goes on', async () => {
    const { engine, url, chat, ready } = await serve({ restart: { first: 200 } });
    const streaming = await chat('endless', true);
    const reader = streaming.body!.pipeThrough(new TextDecoderStream());
    let text = '';
    let crash: Promise<Response> | undefined;
    for await (const part of reader) {
      text += part;
      if (text.includes(' 2"')) crash ??= chat('crash', false);
    }
    expect(text).toMatch(
      /data: {"error":{"message":"The engine ended while.*"code":"engine_unavailable"}}\n\n$/,
    );
    const response = await (crash as Promise<Response>);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await response.json()).toMatchObject({
      error: { type: 'server_error', code: 'engine_unavailable' },
    });
    const engineState = { crashes: 1, lastCrash: 'SIGKILL' };
    expect(await ready()).toMatchObject({ code: 503, status: 'engine restarting', engine: engineState });
    expect((await chat('you', false)).status).toBe(200);
    await until(() => engine.state.status === 'ready');
    expect(await ready()).toMatchObject({ code: 200, status: 'ready', engine: engineState });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('unicharacter_engine_crashes_total 1\n');
    expect(metrics).toContain('unicharacter_engine_up 1\n');
    expect(metrics).toContain('unicharacter_engine_memory_bytes{kind="resident"} 3\n');
  });

  it('says that it stays down, and answers 503 when memory runs out', async () => {
    const { chat, ready } = await serve({ restart: { crashes: 1 } });
    const refused = await chat('memory', false);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'out_of_memory' } });
    expect((await chat('crash', false)).status).toBe(503);
    expect(await ready()).toMatchObject({ code: 503, status: 'engine failed' });
    expect(await (await chat('you', false)).json()).toMatchObject({ error: { code: 'engine_failed' } });
  });
});
