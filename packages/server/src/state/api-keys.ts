import { createHash, randomBytes } from 'node:crypto';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { apiKeys } from './schema.js';

export type ApiKey = typeof apiKeys.$inferSelect;

export interface NewApiKey {
  name: string;
  /** Undefined for no limit. */
  requestsPerMinute?: number;
  concurrentRequests?: number;
}

/**
 * Bearer keys. A key is 256 random bits, so there is nothing to guess and one round of SHA-256 is enough to keep it from
 * whoever reads the database; a slow hash such as scrypt protects passwords, and would cost every request its time.
 */
export class ApiKeys {
  constructor(private readonly database: Database) {}

  /** @returns the key itself as well, which cannot be read again */
  async create({
    name,
    requestsPerMinute,
    concurrentRequests,
  }: NewApiKey): Promise<ApiKey & { key: string }> {
    const key = `uc-${randomBytes(32).toString('base64url')}`;
    const id = `key_${randomBytes(6).toString('hex')}`;
    const [row] = await this.database
      .insert(apiKeys)
      .values({ id, name, hash: hashOf(key), requestsPerMinute, concurrentRequests })
      .returning();
    return { ...row!, key };
  }

  /** The key that a client sent, unless it is unknown or revoked. */
  async find(key: string): Promise<ApiKey | undefined> {
    const [row] = await this.database
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.hash, hashOf(key)), isNull(apiKeys.revokedAt)));
    return row;
  }

  /** All that were ever made, revoked ones included. */
  list(): Promise<ApiKey[]> {
    return this.database.select().from(apiKeys).orderBy(asc(apiKeys.createdAt), asc(apiKeys.id));
  }

  /** True once a key was made, even if it was revoked since: a server never becomes open by revoking. */
  async exist(): Promise<boolean> {
    return (await this.database.select({ id: apiKeys.id }).from(apiKeys).limit(1)).length > 0;
  }

  /** @returns false when there is no such key, or it is revoked already */
  async revoke(id: string): Promise<boolean> {
    const revoked = await this.database
      .update(apiKeys)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
      .returning({ id: apiKeys.id });
    return revoked.length > 0;
  }
}

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
