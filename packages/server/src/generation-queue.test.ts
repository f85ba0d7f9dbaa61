import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.js';
import { GenerationQueue } from './generation-queue.js';

const never = new AbortController().signal;
const olmo = { client: 'one', model: 'olmo' };

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
    const a = queue.run(never, olmo, async () => {
      order.push('a starts');
      await first.run();
      order.push('a ends');
    });
    const b = queue.run(never, olmo, async () => void order.push('b'));
    const c = queue.run(never, olmo, async () => void order.push('c'));
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
    await expect(queue.run(never, olmo, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(queue.run(never, olmo, async () => 7)).resolves.toBe(7);
  });

  it('refuses when full and says when to come back', async () => {
    let clock = 0;
    const queue = new GenerationQueue({ waiting: 1, running: 1 }, () => clock);
    await queue.run(never, olmo, async () => {
      clock += 12;
    });
    const first = work();
    const running = [queue.run(never, olmo, first.run), queue.run(never, olmo, async () => {})];
    const refused: unknown = await queue.run(never, olmo, async () => {}).catch((error: unknown) => error);
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
      const done = queue.run(never, { client: 'one', model }, () => {
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
    const running = queue.run(never, olmo, first.run);
    const leaving = new AbortController();
    let started = false;
    const left = queue.run(leaving.signal, olmo, async () => {
      started = true;
    });
    const last = queue.run(never, olmo, async () => 'last');
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    first.end();
    await running;
    await expect(last).resolves.toBe('last');
    expect(started).toBe(false);
  });

  it('lets clients take turns, whatever the one before has in the queue', async () => {
    const queue = new GenerationQueue({ waiting: 16, running: 1 });
    const order: string[] = [];
    const first = work();
    const ask = (client: string, n: number) =>
      queue.run(never, { client, model: 'olmo' }, async () => {
        order.push(`${client}${n}`);
        if (n === 0) await first.run();
      });
    const all = [ask('a', 0), ask('a', 1), ask('a', 2), ask('a', 3), ask('b', 1), ask('b', 2), ask('c', 1)];
    await settled();
    expect(order).toEqual(['a0']);
    first.end();
    await Promise.all(all);
    expect(order).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('does not load another model for each request, nor lets it wait for ever', async () => {
    const queue = new GenerationQueue({ waiting: 16, running: 2 });
    const order: string[] = [];
    const ask = (client: string, model: string) =>
      queue.run(never, { client, model }, async () => {
        order.push(model);
        await settled();
      });
    const olmo = Array.from({ length: 6 }, () => ask('a', 'olmo'));
    await Promise.all([...olmo, ask('b', 'bo'), ask('b', 'bo')]);
    expect(order).toEqual(['olmo', 'olmo', 'olmo', 'olmo', 'bo', 'bo', 'olmo', 'olmo']);
  });

  it('makes room in a full queue by refusing who has most in it', async () => {
    const queue = new GenerationQueue({ waiting: 3, running: 1 });
    const first = work();
    const done: string[] = [];
    const ask = (client: string, n: number) =>
      queue.run(never, { client, model: 'olmo' }, async () => {
        await first.run();
        done.push(`${client}${n}`);
      });
    const greedy = [0, 1, 2, 3, 4].map((n) => ask('a', n));
    const [b, c] = [ask('b', 1), ask('b', 2)];
    const outcomes = Promise.allSettled([...greedy, b, c]);
    await settled();
    first.end();
    const statuses = (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? 200 : (outcome.reason as ApiError).status,
    );
    // Its own last one while alone in the queue, then one more for the other; who has as many as the other gives way.
    expect(statuses).toEqual([200, 200, 200, 429, 429, 200, 429]);
    expect(done).toEqual(['a0', 'a1', 'b1', 'a2']);
  });
});
