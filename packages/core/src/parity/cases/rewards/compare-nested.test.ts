import { describe, expect, it } from 'vitest';
import { compareNested } from './compare-nested.js';

const within = (own: unknown, stored: unknown) => compareNested('x', own, stored, { atol: 0.1 });

describe('compareNested', () => {
  it('compares numbers within the tolerance, wherever they are nested', () => {
    expect(within({ a: [1, { b: 2.05 }] }, { a: [1, { b: 2 }] })).toMatchObject({ ok: true });
    expect(within(Float32Array.of(1, 2), [1, 2.2])).toMatchObject({ ok: false, maxAbs: expect.closeTo(0.2) });
  });

  it('compares everything else exactly', () => {
    expect(within(['a', null], ['a', null]).ok).toBe(true);
    expect(within(['a', 0], ['a', null])).toMatchObject({ ok: false, tolerance: '/1 null, found 0' });
    expect(within({ a: 1 }, { b: 1 })).toMatchObject({ ok: false, tolerance: '/b, found /a' });
    expect(within([1], [1, 2])).toMatchObject({ ok: false, tolerance: '2 values, found 1' });
  });
});
