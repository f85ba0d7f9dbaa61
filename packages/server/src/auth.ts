import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from './errors.js';
import { KeyLimits } from './key-limits.js';
import type { ApiKeys } from './state/api-keys.js';

/** Owner of what is stored by requests that came without a stored key. */
export const OPERATOR = 'operator';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose conversations and files the request may see. */
    owner: string;
  }
}

/** Addresses that need no key: the page itself and what watches over the server. */
const PUBLIC = /^\/(healthz|readyz)?(\?.*)?$|^\/assets\//;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Lets requests in by their key: one of `operatorKeys`, which have no limits, or a stored one with its own. Without keys of
 * either kind everything is let in.
 */
export function requireKey(
  app: Pick<FastifyInstance, 'addHook' | 'decorateRequest'>,
  operatorKeys: readonly string[],
  stored: ApiKeys | undefined,
): void {
  const limits = new KeyLimits();
  app.decorateRequest('owner', OPERATOR);
  app.addHook('onRequest', async (request, reply) => {
    if (PUBLIC.test(request.url)) return;
    const given = presentedKey(request);
    if (given !== undefined && isOneOf(given, operatorKeys)) return;
    const key = given === undefined ? undefined : await stored?.find(given);
    if (key) {
      request.owner = key.id;
      const { headers, release } = limits.admit(key);
      reply.headers(headers);
      // Closes when the answer is out, and also when the client leaves before.
      reply.raw.once('close', release);
    } else if (operatorKeys.length > 0 || (await stored?.exist())) {
      throw given === undefined ? missingKey() : wrongKey();
    }
  });
}

/** The key in `Authorization: Bearer …`; image extensions that know only names and passwords send it as a password. */
function presentedKey({ headers, url }: Pick<FastifyRequest, 'headers' | 'url'>): string | undefined {
  const header = headers.authorization ?? '';
  const bearer = /^Bearer +(.+)$/i.exec(header)?.[1];
  if (bearer !== undefined || !url.startsWith('/sdapi/')) return bearer;
  const basic = /^Basic +(.+)$/i.exec(header)?.[1];
  if (basic === undefined) return undefined;
  const pair = Buffer.from(basic, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

/** Takes the same time whichever key it is. */
function isOneOf(given: string, keys: readonly string[]): boolean {
  const found = digest(given);
  return keys.map((key) => timingSafeEqual(digest(key), found)).includes(true);
}

const missingKey = (): ApiError =>
  new ApiError(401, 'authentication_error', 'Expected a header "Authorization: Bearer <API key>".', {
    code: 'missing_api_key',
  });

const wrongKey = (): ApiError =>
  new ApiError(401, 'authentication_error', 'The API key is not one of this server.', {
    code: 'invalid_api_key',
  });

/** A bind address that would open the server to others without a key. */
export class UnsafeBindError extends Error {
  override readonly name = 'UnsafeBindError';
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * @param hasKeys whether requests need a key
 * @throws UnsafeBindError when `host` can be reached from other machines and no key is needed.
 */
export function assertSafeBind(host: string, hasKeys: boolean): void {
  if (isLoopback(host) || hasKeys) return;
  throw new UnsafeBindError(
    `Refusing to listen on ${host} without an API key: anyone who reaches this machine could use the model. ` +
      'Make one with "unicharacter keys create", set UNICHARACTER_API_KEY, or listen on 127.0.0.1.',
  );
}
