import { describe, expect, it } from 'vitest';
import { KeyLimits, type Limits } from './key-limits.js';

const key: Limits = { id: 'a', requestsPerMinute: 6, concurrentRequests: null };

describe('KeyLimits', () => {
  it('grants the requests of a minute at once, then one every ten seconds', () => {
    let now = 0;
    const limits = new KeyLimits(() => now);
    for (let left = 5; left >= 0; left--) {
      expect(limits.admit(key).headers).toEqual({
        'x-ratelimit-limit-requests': '6',
        'x-ratelimit-remaining-requests': String(left),
        'x-ratelimit-reset-requests': `${(6 - left) * 10}s`,
      });
    }
    now = 4;
    const refused = { status: 429, code: 'rate_limit_exceeded', retryAfter: 6 };
    expect(() => limits.admit(key)).toThrow(expect.objectContaining(refused));
    now = 10;
    expect(limits.admit(key).headers['x-ratelimit-remaining-requests']).toBe('0');
    now = 10_000;
    expect(limits.admit(key).headers['x-ratelimit-remaining-requests']).toBe('5');
    expect(limits.admit({ ...key, id: 'b' }).headers['x-ratelimit-remaining-requests']).toBe('5');
  });

  it('counts what runs; a request that ends twice counts once', () => {
    const limits = new KeyLimits(() => 0);
    const two: Limits = { id: 'a', requestsPerMinute: null, concurrentRequests: 2 };
    const [first] = [limits.admit(two), limits.admit(two)];
    const refused = { status: 429, code: 'concurrency_limit_exceeded', retryAfter: 1 };
    expect(() => limits.admit(two)).toThrow(expect.objectContaining(refused));
    first.release();
    first.release();
    limits.admit(two);
    expect(() => limits.admit(two)).toThrow(expect.objectContaining(refused));
  });
});
