import { afterAll, beforeAll, expect, it } from 'vitest';
import { disposeTinyModels, expectNoLeaks, tinyModels } from '../../test/tiny-model.js';
import { emptyContext, feedTokens, type KvContext } from '../model/index.js';
import type { GenerationModels } from './contexts.js';
import { PrefixCache } from './prefix-cache.js';
import { answer } from './requests.js';
import { Scheduler } from './scheduler.js';

let models: GenerationModels;
beforeAll(() => {
  models = tinyModels();
});
expectNoLeaks();
afterAll(() => disposeTinyModels(models));

const ids = (length: number, from = 0) => Array.from({ length }, (_, i) => (7 * (i + from)) % 500);

const keysOf = (context: KvContext) => {
  const { keys, values } = context.read(1);
  values.dispose();
  const numbers = keys.dataSync();
  keys.dispose();
  return numbers;
};

it('reads a prompt that begins like another as if it were the first', () => {
  const scheduler = new Scheduler(models, 1000);
  const profile = ids(70);
  const first = scheduler.read([...profile, ...ids(30, 90)]);
  const second = scheduler.read([...profile, ...ids(10, 200)]);
  // The first one goes on by itself: its last page was shared.
  feedTokens(models.model, first, ids(5)).dispose();
  const alone = emptyContext(models.model);
  feedTokens(models.model, alone, [...profile, ...ids(10, 200)]).dispose();
  expect([second.length, second.ropePosition]).toEqual([80, 80]);
  const [found, expected] = [keysOf(second), keysOf(alone)];
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
  for (const context of [first, second, alone]) context.dispose();
  scheduler.dispose();
});

it('makes the same texts with and without what earlier prompts left', async () => {
  const scheduler = new Scheduler(models, 1000);
  const profile = 'A small mossy cat who keeps a shop for lost buttons at the edge of a pond. ';
  const ask = (own: GenerationModels, text: string) =>
    answer(own, [{ kind: 'text', text: profile + text }], { maxTokens: 8, temperature: 1, seed: 3 });
  for (const text of ['hello', 'who are you?', 'hello', 'hello again']) {
    expect(await ask({ ...models, scheduler }, text)).toEqual(await ask(models, text));
  }
  scheduler.dispose();
});

it('keeps no more tokens than it may, and lets the one used longest ago go', () => {
  const prefixes = new PrefixCache(200);
  const known = (from: number) => {
    const context = prefixes.fork(ids(100, from));
    context?.dispose();
    return context !== null;
  };
  const keep = (from: number) => {
    const context = emptyContext(models.model);
    feedTokens(models.model, context, ids(100, from)).dispose();
    prefixes.keep(ids(100, from), context);
    context.dispose();
  };
  keep(0);
  keep(300);
  expect([known(300), known(0)]).toEqual([true, true]);
  keep(150);
  expect([known(0), known(150), known(300)]).toEqual([true, true, false]);
  prefixes.dispose();
  expect(known(0)).toBe(false);
});

it('keeps nothing unless told to', () => {
  const scheduler = new Scheduler(models);
  const context = scheduler.read(ids(40));
  context.dispose();
  expect(context.poolAlive).toBe(false);
});
