import { describe, expect, it } from 'vitest';
import { assertSafeBind, checkBearer, isLoopback, UnsafeBindError } from './auth.js';

describe('checkBearer', () => {
  it('accepts everything when no key is set', () => {
    expect(() => checkBearer(undefined, [])).not.toThrow();
  });

  it('accepts each of the keys and nothing else', () => {
    const keys = ['first', 'second'];
    expect(() => checkBearer('Bearer first', keys)).not.toThrow();
    expect(() => checkBearer('bearer second', keys)).not.toThrow();
    expect(() => checkBearer('Bearer third', keys)).toThrow('not one of this server');
    expect(() => checkBearer('Bearer ', keys)).toThrow('Expected a header');
    expect(() => checkBearer('Basic first', keys)).toThrow('Expected a header');
    expect(() => checkBearer(undefined, keys)).toThrow('Expected a header');
  });
});

describe('assertSafeBind', () => {
  it('knows loopback addresses', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', ''])
      expect(isLoopback(host)).toBe(false);
  });

  it('wants a key before it opens the server to others', () => {
    expect(() => assertSafeBind('0.0.0.0', [])).toThrow(UnsafeBindError);
    expect(() => assertSafeBind('0.0.0.0', ['key'])).not.toThrow();
    expect(() => assertSafeBind('127.0.0.1', [])).not.toThrow();
  });
});
