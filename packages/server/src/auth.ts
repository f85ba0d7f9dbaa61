import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError } from './errors.js';

/** Owner of what is stored by requests that came without a stored key. */
export const OPERATOR = 'operator';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose conversations and files the request may see. */
    owner: string;
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Checks an `Authorization: Bearer …` header against the accepted keys, in constant time.
 * With no keys everything is accepted.
 * @throws ApiError 401
 */
export function checkBearer(header: string | undefined, keys: readonly string[]): void {
  if (keys.length === 0) return;
  const given = /^Bearer +(.+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) {
    throw new ApiError(401, 'authentication_error', 'Expected a header "Authorization: Bearer <API key>".', {
      code: 'missing_api_key',
    });
  }
  const found = digest(given);
  if (!keys.map((key) => timingSafeEqual(digest(key), found)).includes(true)) {
    throw new ApiError(401, 'authentication_error', 'The API key is not one of this server.', {
      code: 'invalid_api_key',
    });
  }
}

/** A bind address that would open the server to others without a key. */
export class UnsafeBindError extends Error {
  override readonly name = 'UnsafeBindError';
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** @throws UnsafeBindError when `host` can be reached from other machines and no key is set. */
export function assertSafeBind(host: string, keys: readonly string[]): void {
  if (isLoopback(host) || keys.length > 0) return;
  throw new UnsafeBindError(
    `Refusing to listen on ${host} without an API key: anyone who reaches this machine could use the model. ` +
      'Set UNICHARACTER_API_KEY (or --api-key), or listen on 127.0.0.1.',
  );
}
