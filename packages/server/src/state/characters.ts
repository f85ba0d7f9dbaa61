import { and, desc, eq } from 'drizzle-orm';
import type { Database } from './database.js';
import { characters } from './schema.js';

export type StoredCharacter = typeof characters.$inferSelect;
export type NewCharacter = Omit<StoredCharacter, 'consentedAt'>;

/** Uploaded characters with who uploaded them, from where, and that it was allowed. Everybody sees their own only. */
export class Characters {
  constructor(private readonly database: Database) {}

  async add(character: NewCharacter): Promise<StoredCharacter> {
    const [row] = await this.database.insert(characters).values(character).returning();
    return row!;
  }

  /** The newest first. */
  list(owner: string): Promise<StoredCharacter[]> {
    return this.database
      .select()
      .from(characters)
      .where(eq(characters.owner, owner))
      .orderBy(desc(characters.consentedAt), desc(characters.id));
  }

  async find(owner: string, id: string): Promise<StoredCharacter | undefined> {
    const [row] = await this.database
      .select()
      .from(characters)
      .where(and(eq(characters.id, id), eq(characters.owner, owner)));
    return row;
  }

  /** @returns false when there was none */
  async remove(owner: string, id: string): Promise<boolean> {
    const gone = await this.database
      .delete(characters)
      .where(and(eq(characters.id, id), eq(characters.owner, owner)))
      .returning({ id: characters.id });
    return gone.length > 0;
  }
}
