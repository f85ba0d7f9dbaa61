/**
 * The server that is fuzzed: everything on, a scripted engine, an embedded database in memory. Jobs are planned and kept but
 * not trained. Tells its address, and on demand what it holds.
 */
import { characterOfRun, openRun } from '@unicharacter/core';
import { buildServer, listen, openState } from '../../dist/index.js';

const [folder, base] = process.argv.slice(2);

async function speak({ maxTokens = 3, onToken, logprobs, signal }) {
  const words = ['Hello', ' there', '!'].slice(0, maxTokens);
  for (const [i, word] of words.entries()) {
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) break;
    const token = { bytes: [...Buffer.from(word)], logprob: -i };
    onToken?.(word, ...(logprobs === undefined ? [] : [{ ...token, top: Array(logprobs).fill(token) }]));
  }
  return { text: words.join(''), finish: 'stop', promptTokens: 1, completionTokens: words.length };
}
const image = { width: 4, height: 4, data: new Uint8Array(48) };
const engine = {
  reply: speak,
  ask: speak,
  imagine: async () => ({ image, promptTokens: 1 }),
  rolePlay: async (request) => ({ reply: await speak(request), image }),
  dispose() {},
};

const state = await openState({});
state.jobs.claim = async () => undefined;
const app = await buildServer(
  [{ name: 'Mimi Moss', description: 'A cat.', opening: 'Hi.', open: async () => engine }],
  {
    state,
    uploads: `${folder}/uploads`,
    pictures: `${folder}/pictures`,
    training: {
      runs: `${folder}/runs`,
      bases: { tiny: base },
      serve: (run) => ({ ...characterOfRun(run), open: () => openRun(run) }),
    },
    logger: { level: 'error' },
  },
);
process.on('message', async () => {
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.gc();
  const connections = await new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send({ connections, heapUsed, external, rss });
});
process.on('disconnect', () => process.exit());
process.send(await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false }));
