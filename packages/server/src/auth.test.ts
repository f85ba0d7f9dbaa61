import { describe, expect, it } from 'vitest';
import { assertSafeBind, isLoopback, UnsafeBindError } from './auth.js';

describe('assertSafeBind', () => {
  it('knows loopback addresses', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', ''])
      expect(isLoopback(host)).toBe(false);
  });

  it('wants a key before it opens the server to others', () => {
    expect(() => assertSafeBind('0.0.0.0', false)).toThrow(UnsafeBindError);
    expect(() => assertSafeBind('0.0.0.0', true)).not.toThrow();
    expect(() => assertSafeBind('127.0.0.1', false)).not.toThrow();
  });
});
