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
    const queue = new GenerationQueue({ waiting: 8, running: 1 });
    const order: string[] = [];
    const first = work();
    const a = queue.run(never, 'olmo', async () => {
      order.push('a starts');
      await first.run();
      order.push('a ends');
    });
    const b = queue.run(never, 'olmo', async () => void order.push('b'));
    const c = queue.run(never, 'olmo', async () => void order.push('c'));
    await settled();
    expect(order).toEqual(['a starts']);
    expect(queue.length).toBe(3);
    first.end();
    await Promise.all([a, b, c]);
    expect(order).toEqual(['a starts', 'a ends', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('goes on after a failure', async () => {
    const queue = new GenerationQueue({ waiting: 8, running: 1 });
    await expect(queue.run(never, 'olmo', () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
    await expect(queue.run(never, 'olmo', async () => 7)).resolves.toBe(7);
  });

  it('refuses when full and says when to come back', async () => {
    let clock = 0;
    const queue = new GenerationQueue({ waiting: 1, running: 1 }, () => clock);
    await queue.run(never, 'olmo', async () => {
      clock += 12;
    });
    const first = work();
    const running = [queue.run(never, 'olmo', first.run), queue.run(never, 'olmo', async () => {})];
    const refused: unknown = await queue.run(never, 'olmo', async () => {}).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 429, code: 'queue_full', retryAfter: 10 });
    first.end();
    await Promise.all(running);
  });

  it('runs requests to one model together and lets another model have its turn', async () => {
    const queue = new GenerationQueue({ waiting: 8, running: 2 });
    const order: string[] = [];
    const start = (model: string) => {
      const { end, run } = work();
      const done = queue.run(never, model, () => {
        order.push(model);
        return run();
      });
      return { end, done };
    };
    const [a, b, c] = [start('olmo'), start('olmo'), start('olmo')];
    const [other, late] = [start('bo'), start('olmo')];
    await settled();
    expect([order, queue.running, queue.length]).toEqual([['olmo', 'olmo'], 2, 5]);
    a.end();
    await a.done;
    await settled();
    // The third takes the free place; the other model waits for both, and who came after it waits behind it.
    expect(order).toEqual(['olmo', 'olmo', 'olmo']);
    b.end();
    await b.done;
    await settled();
    expect(order).toHaveLength(3);
    c.end();
    await c.done;
    await settled();
    expect([order.at(-1), queue.running]).toEqual(['bo', 1]);
    other.end();
    late.end();
    await Promise.all([other.done, late.done]);
    expect(order).toEqual(['olmo', 'olmo', 'olmo', 'bo', 'olmo']);
  });

  it('never starts the work of a client that left while waiting', async () => {
    const queue = new GenerationQueue({ waiting: 8, running: 1 });
    const first = work();
    const running = queue.run(never, 'olmo', first.run);
    const leaving = new AbortController();
    let started = false;
    const left = queue.run(leaving.signal, 'olmo', async () => {
      started = true;
    });
    const last = queue.run(never, 'olmo', async () => 'last');
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    first.end();
    await running;
    await expect(last).resolves.toBe('last');
    expect(started).toBe(false);
  });
});
