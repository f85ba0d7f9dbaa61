import { setStrict, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useStrictNative } from '../../test/tiny-model.js';
import { timeGrid } from './flow-sampler.js';
import { type Guidance, guidanceActive, guide } from './guidance.js';

const base: Guidance = { text: 3, image: 1, interval: [0.4, 1], renorm: 'global', renormMin: 0 };
const V = [3, 0, 0, 1];
const U = [1, 0, 0, 2];
const W = [0, 1, 1, 0];

function guided(guidance: Guidance, withImages = false): number[] {
  return tf.tidy(() => {
    const m = (values: number[]) => tf.tensor2d(values, [2, 2]);
    return Array.from(guide(m(V), m(U), withImages ? m(W) : null, guidance).dataSync());
  });
}

function expectClose(found: number[], expected: number[]): void {
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 5);
  });
}

describe('guide', () => {
  beforeAll(useStrictNative);
  afterAll(() => setStrict(false));
  // u + 3·(v − u)
  const away = [7, 0, 0, -1];

  it('without renormalisation moves away from the unconditional velocity', () => {
    expectClose(guided({ ...base, renormMin: 1 }), away);
  });

  it('global: one factor for all, ‖v‖ / ‖g‖', () => {
    const r = Math.hypot(...V) / Math.hypot(...away);
    expectClose(
      guided(base),
      away.map((g) => g * r),
    );
  });

  it('channel: a factor per token, never above 1', () => {
    expectClose(guided({ ...base, renorm: 'channel' }), [3, 0, 0, -1]);
    // Weak guidance shrinks the second token: 2 + 0.5·(1 − 2)… its factor would be above 1 and is clamped.
    expectClose(guided({ ...base, renorm: 'channel', text: 1.5 }), [3, 0, 0, 0.5]);
  });

  it('clamps the factor from below', () => {
    expectClose(
      guided({ ...base, renormMin: 0.9 }),
      away.map((g) => g * 0.9),
    );
  });

  it('image guidance comes before the factor for global and after it for text_channel', () => {
    const both = away.map((g, i) => (W[i] as number) + 2 * (g - (W[i] as number)));
    const r = Math.hypot(...V) / Math.hypot(...both);
    expectClose(
      guided({ ...base, image: 2 }, true),
      both.map((g) => g * r),
    );
    const first = [3, 0, 0, -1];
    const expected = first.map((g, i) => (W[i] as number) + 2 * (g - (W[i] as number)));
    expectClose(guided({ ...base, image: 2, renorm: 'text_channel' }, true), expected);
  });

  it('acts inside the interval only, and not at scale 1 whatever the image scale', () => {
    expect([0.4, 0.41, 1].map((t) => guidanceActive(base, t))).toEqual([false, true, true]);
    expect(guidanceActive({ ...base, text: 1, image: 2 }, 0.9)).toBe(false);
  });
});

describe('timeGrid', () => {
  it('has the values of the specification', () => {
    const expected = [
      1, 0.975, 0.9473684, 0.9166667, 0.8823529, 0.84375, 0.8, 0.75, 0.6923077, 0.625, 0.5454546, 0.45,
    ];
    const grid = timeGrid(15, 3);
    expect(grid).toHaveLength(15);
    expected.forEach((t, i) => {
      expect(grid[i]).toBeCloseTo(t, 6);
    });
    expect(grid[14]).toBe(0);
    expect(timeGrid(50, 3)[48]).toBeCloseTo(0.0588235, 6);
    expect(timeGrid(50, 3).filter((t) => t > 0.4)).toHaveLength(41);
  });

  it('needs two points', () => {
    expect(() => timeGrid(1, 3)).toThrow(/at least 2 points, found 1/);
  });
});
