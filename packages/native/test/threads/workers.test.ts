/** Worker threads: independent contexts, the numbers of a run alone, and an end at any moment. */
import { expect, test } from 'vitest';
import { inProcess } from '../in-process.js';

const WORKERS = `
  const { Worker } = await import('node:worker_threads');
  const file = new URL(${JSON.stringify(new URL('./train-worker.mjs', import.meta.url).href)});
  const start = (seed, steps, ballastMiB = 0) => new Worker(file, { workerData: { seed, steps, ballastMiB } });
  const answerOf = (worker, field) => new Promise((resolve, reject) => {
    worker.on('message', (message) => { if (field in message) resolve(message); });
    worker.once('error', reject);
  });
  const train = async (seed, steps) => {
    const worker = start(seed, steps);
    const answer = await answerOf(worker, 'losses');
    await worker.terminate();
    return answer;
  };`;

test('three workers at once train as each of them does alone', () => {
  const body = `${WORKERS}
    const alone = [];
    for (const seed of [1, 2, 3]) alone.push(await train(seed, 12));
    const together = await Promise.all([1, 2, 3].map((seed) => train(seed, 12)));
    return { alone, together };`;
  type Result = { losses: number[]; leftBuffers: number };
  const { alone, together } = inProcess(body, { UNICHARACTER_THREADS: '2' }) as Record<string, Result[]>;
  for (const { losses, leftBuffers } of alone!) {
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    expect(leftBuffers).toBe(0);
  }
  expect(new Set(alone!.map(({ losses }) => losses[0])).size).toBe(3);
  expect(together).toEqual(alone);
});

test('a worker ended in the middle of its work leaves neither threads nor memory', () => {
  const body = `${WORKERS}
    const end = async () => {
      const worker = start(7, 1e6, 64);
      await answerOf(worker, 'running');
      await worker.terminate();
    };
    // A worker's thread may outlive the end of terminate() for a moment.
    const settledTasks = async () => {
      let [count, unchanged] = [tasks(), 0];
      while (unchanged < 20) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        const now = tasks();
        unchanged = now === count ? unchanged + 1 : 0;
        count = now;
      }
      return count;
    };
    await end();
    const [threads, bytes] = [await settledTasks(), process.memoryUsage.rss()];
    for (let i = 0; i < 4; i++) await end();
    const { losses } = await train(1, 3);
    return { threads: (await settledTasks()) - threads, growthMiB: (process.memoryUsage.rss() - bytes) / 2 ** 20, losses };`;
  const found = inProcess(body, { UNICHARACTER_THREADS: '2' }) as Record<string, number>;
  expect(found.threads).toBe(0);
  // Each worker held 64 MiB.
  expect(found.growthMiB).toBeLessThan(100);
  expect(found.losses).toHaveLength(3);
});
