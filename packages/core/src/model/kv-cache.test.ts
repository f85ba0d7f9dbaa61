import { counters, memoryStats, resetPeak, setStrict, storedType, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useStrictNative } from '../../test/tiny-model.js';
import { KvContext } from './kv-cache.js';

const shape = { layers: 2, kvHeads: 1, headDim: 2 };
const PAGE = 4;

/** Appends tokens whose keys in layer l are 100·l + value and whose values are the negative of that. */
function append(context: KvContext, ...tokens: number[]): void {
  context.reserve(tokens.length);
  for (let layer = 0; layer < shape.layers; layer++) {
    tf.tidy(() => {
      const keys = tf.tensor3d(tokens.map((t) => [[100 * layer + t, 0.5]]));
      context.write(layer, keys, tf.neg(keys));
    });
  }
  context.commit(tokens.length, 1);
}

function contents(context: KvContext, layer = 0): number[] {
  const { keys, values } = context.read(layer);
  const found = Array.from(keys.dataSync()).filter((_, i) => i % 2 === 0);
  expect(Array.from(values.dataSync())).toEqual(Array.from(keys.dataSync(), (x) => -x));
  tf.dispose([keys, values]);
  return found;
}

const pagesPerChunk = (context: KvContext) => context.past(0).keys.map(({ shape }) => shape[0]);

/** Bytes of keys and values of all layers in pages that are in the pool. */
function poolBytes(pages: number, stored: 'float32' | 'bfloat16'): number {
  const { layers, kvHeads, headDim } = shape;
  return 2 * layers * pages * PAGE * kvHeads * headDim * (stored === 'float32' ? 4 : 2);
}

describe.each(['float32', 'bfloat16'] as const)('KvContext in %s', (stored) => {
  beforeAll(useStrictNative);
  afterAll(() => setStrict(false));

  it('keeps what was written over page borders and while it grows', () => {
    const context = KvContext.empty(shape, stored, PAGE);
    const tokens = Array.from({ length: 37 }, (_, i) => i + 1);
    append(context, ...tokens.slice(0, 3));
    append(context, ...tokens.slice(3, 20));
    append(context, ...tokens.slice(20));
    expect(contents(context)).toEqual(tokens);
    expect(contents(context, 1)).toEqual(tokens.map((t) => t + 100));
    expect(context.length).toBe(37);
    expect(context.ropePosition).toBe(3);
    for (const chunk of context.past(1).keys) expect(storedType(chunk)).toBe(stored);
    context.dispose();
  });

  it('forks without copying, and copies a shared page when one of the forks writes', () => {
    const main = KvContext.empty(shape, stored, PAGE);
    append(main, 1, 2, 3, 4, 5, 6);
    const fork = main.fork();
    expect(fork.past(0).pageTable).toEqual(main.past(0).pageTable);
    append(fork, 70, 80, 90);
    append(main, 7);
    expect(contents(main)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(contents(fork)).toEqual([1, 2, 3, 4, 5, 6, 70, 80, 90]);
    expect(contents(fork, 1)).toEqual([1, 2, 3, 4, 5, 6, 70, 80, 90].map((t) => t + 100));
    expect(fork.past(0).pageTable[0]).toBe(main.past(0).pageTable[0]);
    expect(fork.past(0).pageTable[1]).not.toBe(main.past(0).pageTable[1]);
    main.dispose();
    fork.dispose();
  });

  it('keeps forks apart when the cut is at a page border or room was reserved and not used', () => {
    const main = KvContext.empty(shape, stored, PAGE);
    append(main, 1, 2, 3, 4);
    main.reserve(6);
    const fork = main.fork();
    append(main, 5, 6);
    append(fork, 50, 60);
    expect(contents(main)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(contents(fork)).toEqual([1, 2, 3, 4, 50, 60]);
    main.dispose();
    expect(contents(fork)).toEqual([1, 2, 3, 4, 50, 60]);
    fork.dispose();
  });

  it('reuses the pages of disposed forks and frees everything with the last one', () => {
    const before = tf.memory().numTensors;
    const main = KvContext.empty(shape, stored, PAGE);
    append(main, 1, 2, 3);
    for (let i = 0; i < 20; i++) {
      const fork = main.fork();
      append(fork, 9, 9, 9, 9, 9);
      fork.dispose();
      fork.dispose();
    }
    expect(pagesPerChunk(main)).toEqual([4]);
    const empty = main.forkEmpty();
    expect(empty.length).toBe(0);
    main.dispose();
    append(empty, 42);
    expect(contents(empty)).toEqual([42]);
    empty.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('grows by chunks: what was written stays where it is, and is not held twice for a moment', () => {
    const before = memoryStats().liveBytes;
    const context = KvContext.empty(shape, stored, 64);
    const first = context.past(0).keys[0] as tf.Tensor;
    append(context, ...new Array<number>(4 * 64).fill(1));
    const small = memoryStats().liveBytes - before;
    expect(small).toBe(16 * poolBytes(4, stored));
    resetPeak();
    context.reserve(1);
    const { liveBytes, peakBytes } = memoryStats();
    expect(liveBytes - before).toBe(2 * small);
    // Blank pages of one layer are made in float32.
    expect(peakBytes - liveBytes).toBeLessThanOrEqual((small / (2 * shape.layers)) * 2);
    append(context, ...new Array<number>(9 * 64).fill(2));
    expect(pagesPerChunk(context)).toEqual([4, 4, 8]);
    expect(context.past(0).keys[0]?.dataId).toBe(first.dataId);
    expect(memoryStats().liveBytes - before).toBe(4 * small);
    context.dispose();
    expect(memoryStats().liveBytes).toBe(before);
  });

  it('costs no memory to fork, and one page to write into what is shared', () => {
    const main = KvContext.empty(shape, stored, PAGE);
    append(main, 1, 2, 3, 4, 5);
    const before = memoryStats().liveBytes;
    const forks = Array.from({ length: 1000 }, () => main.fork());
    expect(memoryStats().liveBytes).toBe(before);
    // Two of four pages are free: two forks write into them, the third needs a chunk.
    for (const fork of forks.slice(0, 2)) append(fork, 6);
    expect(memoryStats().liveBytes).toBe(before);
    append(forks[2] as KvContext, 6);
    expect(memoryStats().liveBytes - before).toBe(poolBytes(4, stored));
    for (const context of [main, ...forks]) context.dispose();
  });

  it('asks for as much work per token however long it is', () => {
    const context = KvContext.empty(shape, stored, PAGE);
    const calls = Array.from({ length: 8 * 16 }, () => {
      const start = counters().nativeCalls;
      append(context, 1);
      return counters().nativeCalls - start;
    });
    const usual = Math.min(...calls);
    // The others are those that add a chunk: after 4, 8 and 16 pages.
    expect(calls.flatMap((count, i) => (count === usual ? [] : [i]))).toEqual([16, 32, 64]);
    expect(calls[64]).toBe(calls[16]);
    context.dispose();
  });
});
