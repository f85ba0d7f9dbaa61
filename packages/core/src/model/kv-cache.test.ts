import { setStrict, storedType, tf } from '@unicharacter/native';
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
    expect(storedType(context.past(1).keys)).toBe(stored);
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
    expect(main.past(0).keys.shape[0]).toBe(4);
    const empty = main.forkEmpty();
    expect(empty.length).toBe(0);
    main.dispose();
    append(empty, 42);
    expect(contents(empty)).toEqual([42]);
    empty.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
