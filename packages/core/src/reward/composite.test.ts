import { describe, expect, it, vi } from 'vitest';
import { compositeReward } from './composite.js';
import type { Scorer } from './reward-model.js';

function fixed(name: string, values: number[]): Scorer<string> {
  return {
    name,
    provenance: { model: name },
    score: vi.fn(async () => ({
      values: Float64Array.from(values),
      details: values.map((value) => ({ value })),
    })),
    dispose: vi.fn(),
  };
}

describe('compositeReward', () => {
  it('adds weighted parts and keeps each part unweighted', async () => {
    const reward = compositeReward([
      { model: fixed('a', [1, -2]), weight: 0.5 },
      { model: fixed('b', [4, 8]), weight: 0.25 },
    ]);
    const { totals, parts } = await reward.score(['x', 'y']);
    expect([...totals]).toEqual([1.5, 1]);
    expect([...parts.b!.values]).toEqual([4, 8]);
    expect(reward.weights).toEqual({ a: 0.5, b: 0.25 });
    expect(reward.provenance).toEqual({ a: { model: 'a' }, b: { model: 'b' } });
  });

  it('does not ask a term of weight 0, but disposes it', async () => {
    const off = fixed('off', [Number.NaN]);
    const reward = compositeReward([
      { model: off, weight: 0 },
      { model: fixed('on', [3]), weight: 1 },
    ]);
    expect(Object.keys((await reward.score(['x'])).parts)).toEqual(['on']);
    expect(off.score).not.toHaveBeenCalled();
    reward.dispose();
    expect(off.dispose).toHaveBeenCalledOnce();
  });

  it.each([
    [() => compositeReward([{ model: fixed('a', [1]), weight: -0.1 }]), 'a weight of at least 0, found -0.1'],
    [() => compositeReward([{ model: fixed('a', [1]), weight: 0 }]), 'found 1 that are all off'],
    [
      () => compositeReward(['a', 'a'].map((name) => ({ model: fixed(name, [1]), weight: 1 }))),
      'one reward named "a"',
    ],
  ])('refuses weights and names that cannot be meant (%#)', (make, message) => {
    expect(make).toThrow(message);
  });

  it.each([
    [[Number.NaN, 1], 'found NaN for sample 0'],
    [[1], 'expected 2 scores with details, found 1 and 1'],
  ])('fails on scores %j', async (values, message) => {
    const reward = compositeReward([{ model: fixed('bad', values), weight: 1 }]);
    await expect(reward.score(['x', 'y'])).rejects.toThrow(`reward "bad": expected`);
    await expect(reward.score(['x', 'y'])).rejects.toThrow(message);
  });
});
