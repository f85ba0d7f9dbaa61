/** The server, killed at random moments while clients write: whatever was acknowledged is there afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng, solidImage } from '@unicharacter/core';
import { afterEach, expect, it } from 'vitest';

const SERVER = fileURLToPath(new URL('stateful-server.mjs', import.meta.url));

/** How often it is killed; more on demand, because each start takes a second. */
const KILLS = Number(process.env.STATE_KILLS ?? 3);

/** Messages that are acknowledged before each kill, at least. */
const LEAST = 10;

interface Message {
  id: string;
  parent: string | null;
  content: string;
  picture: string | null;
}

const folder = mkdtempSync(join(tmpdir(), 'unicharacter-survives-'));
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const started = spawn(process.execPath, [SERVER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  return new Promise((resolve, reject) => {
    started.stdout.once('data', (address: Buffer) => resolve(address.toString().trim()));
    started.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)));
  });
}

async function post<T>(url: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** Kills the server a moment after that many acknowledgements, while later messages are on their way. */
function killAfter(acknowledgements: number): () => void {
  let left = acknowledgements;
  return () => {
    left -= 1;
    if (left === 0) setTimeout(() => child?.kill('SIGKILL'), 20 * Math.random());
  };
}

/** Writes messages, some with a picture, until the server is gone; answers those that were acknowledged. */
async function write(address: string, conversation: string, onAcknowledged: () => void) {
  const acknowledged: Message[] = [];
  for (let n = 0; ; n++) {
    const message = {
      id: randomUUID(),
      role: n % 2 === 0 ? 'user' : 'assistant',
      content: `${'x'.repeat((n % 50) * 100)} ${n}`,
      ...(n % 5 === 4 ? { picture: await picture(n) } : {}),
    };
    try {
      acknowledged.push(await post(`${address}/v1/conversations/${conversation}/messages`, message));
      onAcknowledged();
    } catch (error) {
      if (error instanceof TypeError) return acknowledged;
      throw error;
    }
  }
}

const picture = async (n: number) =>
  `data:image/png;base64,${(await encodePng(solidImage(8, 8, [n % 256, 1, 2]))).toString('base64')}`;

it(`loses nothing that it acknowledged when it is killed ${KILLS} times`, async () => {
  const kept = new Map<string, Message[]>();
  for (let kill = 0; kill < KILLS; kill++) {
    const address = await start();
    const { id } = await post<{ id: string }>(`${address}/v1/conversations`, {});
    const two = await post<{ id: string }>(`${address}/v1/conversations`, {});
    const count = killAfter(LEAST + Math.floor(40 * Math.random()));
    const [first, second] = await Promise.all([write(address, id, count), write(address, two.id, count)]);
    kept.set(id, first).set(two.id, second);
  }
  const address = await start();
  let checked = 0;
  for (const [id, acknowledged] of kept) {
    const response = await fetch(`${address}/v1/conversations/${id}`);
    const { messages } = (await response.json()) as { messages: Message[] };
    expect(messages.slice(0, acknowledged.length)).toEqual(acknowledged);
    // At most the one message is there whose acknowledgement was on the way.
    expect(messages.length - acknowledged.length).toBeLessThanOrEqual(1);
    checked += acknowledged.length;
    for (const { picture } of acknowledged.slice(-10)) {
      if (picture) expect((await fetch(address + picture)).status).toBe(200);
    }
  }
  expect(checked).toBeGreaterThanOrEqual(KILLS * LEAST);
});
