import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.js';
import { GenerationQueue } from './generation-queue.js';

const never = new AbortController().signal;

/** A piece of work that ends when told to. */
function work() {
  let end = (): void => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end: () => end(), run: () => done };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('GenerationQueue', () => {
  it('runs one at a time in order of arrival', async () => {
    const queue = new GenerationQueue(8);
    const order: string[] = [];
    const first = work();
    const a = queue.run(never, async () => {
      order.push('a starts');
      await first.run();
      order.push('a ends');
    });
    const b = queue.run(never, async () => void order.push('b'));
    const c = queue.run(never, async () => void order.push('c'));
    await settled();
    expect(order).toEqual(['a starts']);
    expect(queue.length).toBe(3);
    first.end();
    await Promise.all([a, b, c]);
    expect(order).toEqual(['a starts', 'a ends', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('goes on after a failure', async () => {
    const queue = new GenerationQueue(8);
    await expect(queue.run(never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(queue.run(never, async () => 7)).resolves.toBe(7);
  });

  it('refuses when full and says when to come back', async () => {
    let clock = 0;
    const queue = new GenerationQueue(1, () => clock);
    await queue.run(never, async () => {
      clock += 12;
    });
    const first = work();
    const running = [queue.run(never, first.run), queue.run(never, async () => {})];
    const refused: unknown = await queue.run(never, async () => {}).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 429, code: 'queue_full', retryAfter: 10 });
    first.end();
    await Promise.all(running);
  });

  it('never starts the work of a client that left while waiting', async () => {
    const queue = new GenerationQueue(8);
    const first = work();
    const running = queue.run(never, first.run);
    const leaving = new AbortController();
    let started = false;
    const left = queue.run(leaving.signal, async () => {
      started = true;
    });
    const last = queue.run(never, async () => 'last');
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    first.end();
    await running;
    await expect(last).resolves.toBe('last');
    expect(started).toBe(false);
  });
});
