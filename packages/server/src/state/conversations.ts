import { randomUUID } from 'node:crypto';
import { and, asc, desc, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { conversations, messages } from './schema.js';

/** A conversation. `title` is the name given to it, else the beginning of what the user said first. */
export type Conversation = typeof conversations.$inferSelect;
export type StoredMessage = typeof messages.$inferSelect;

export interface NewMessage {
  /** Chosen by the sender, so that sending again after a broken connection stores it once. */
  id?: string | undefined;
  /** The message it answers to; the conversation's head when undefined, null for a new beginning. */
  parent?: string | null | undefined;
  role: 'user' | 'assistant';
  content: string;
  /** Id of a stored picture. */
  picture?: string | undefined;
}

/** Why a message cannot be stored. */
export type Refusal = 'no conversation' | 'no parent' | 'id taken';

const TITLE_LENGTH = 80;

// `position`, `role` and `content` are columns of the inner table only; those of `conversations` are the outer ones.
const titled = {
  ...getTableColumns(conversations),
  title: sql<string | null>`coalesce(conversations.title, (
    SELECT left(content, ${sql.raw(String(TITLE_LENGTH))}) FROM messages
    WHERE conversation_id = conversations.id AND role = 'user' ORDER BY position LIMIT 1))`,
};

/**
 * Conversations as trees of messages: answering again or saying something else adds another child of the same parent, and
 * nothing said is ever overwritten. Everybody sees their own only.
 */
export class Conversations {
  constructor(private readonly database: Database) {}

  /** The latest first. */
  list(owner: string, character: string | undefined, limit: number): Promise<Conversation[]> {
    const own = eq(conversations.owner, owner);
    return this.database
      .select(titled)
      .from(conversations)
      .where(character === undefined ? own : and(own, eq(conversations.character, character)))
      .orderBy(desc(conversations.changedAt), desc(conversations.id))
      .limit(limit);
  }

  async create(owner: string, character: string): Promise<Conversation> {
    const [row] = await this.database
      .insert(conversations)
      .values({ id: randomUUID(), owner, character })
      .returning();
    return row!;
  }

  async find(owner: string, id: string): Promise<Conversation | undefined> {
    const [row] = await this.database
      .select(titled)
      .from(conversations)
      .where(and(eq(conversations.id, id), eq(conversations.owner, owner)));
    return row;
  }

  /** All messages of all branches, in the order of arrival. */
  messages(conversation: string): Promise<StoredMessage[]> {
    return this.database
      .select()
      .from(messages)
      .where(eq(messages.conversationId, conversation))
      .orderBy(asc(messages.position));
  }

  /** Stores a message and makes it the head. When this answers, the message is committed. */
  append(owner: string, conversation: string, message: NewMessage): Promise<StoredMessage | Refusal> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction
        .select()
        .from(conversations)
        .where(and(eq(conversations.id, conversation), eq(conversations.owner, owner)))
        .for('update');
      if (!row) return 'no conversation';
      const { role, content, picture = null, parent = row.head, id = randomUUID() } = message;
      const [earlier] = await transaction.select().from(messages).where(eq(messages.id, id));
      if (earlier) return sameMessage(earlier, conversation, message) ? earlier : 'id taken';
      if (parent !== null && !(await isMessageOf(transaction, parent, conversation))) return 'no parent';
      const [stored] = await transaction
        .insert(messages)
        .values({ id, conversationId: conversation, parentId: parent, role, content, picture })
        .returning();
      await transaction
        .update(conversations)
        .set({ head: id, changedAt: new Date() })
        .where(eq(conversations.id, conversation));
      return stored!;
    });
  }

  /** Shows another branch (the one that ends in `head`), or gives a name, or both. */
  change(
    owner: string,
    conversation: string,
    { head, title }: { head?: string | undefined; title?: string | undefined },
  ): Promise<Conversation | Refusal> {
    return this.database.transaction(async (transaction) => {
      if (head !== undefined && !(await isMessageOf(transaction, head, conversation))) return 'no parent';
      const [row] = await transaction
        .update(conversations)
        .set({ head, title, ...(head === undefined ? {} : { changedAt: new Date() }) })
        .where(and(eq(conversations.id, conversation), eq(conversations.owner, owner)))
        .returning(titled);
      return row ?? 'no conversation';
    });
  }

  /** @returns false when there was none */
  async remove(owner: string, id: string): Promise<boolean> {
    const gone = await this.database
      .delete(conversations)
      .where(and(eq(conversations.id, id), eq(conversations.owner, owner)))
      .returning({ id: conversations.id });
    return gone.length > 0;
  }
}

async function isMessageOf(
  database: Pick<Database, 'select'>,
  id: string,
  conversation: string,
): Promise<boolean> {
  const found = await database
    .select({ id: messages.id })
    .from(messages)
    .where(and(eq(messages.id, id), eq(messages.conversationId, conversation)));
  return found.length > 0;
}

function sameMessage(stored: StoredMessage, conversation: string, sent: NewMessage): boolean {
  return (
    stored.conversationId === conversation &&
    stored.role === sent.role &&
    stored.content === sent.content &&
    stored.picture === (sent.picture ?? null)
  );
}
