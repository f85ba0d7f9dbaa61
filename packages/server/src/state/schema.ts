/** The tables of `migrations/`, as drizzle's queries see them. */
import { bigint, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const moment = (name: string) => timestamp(name, { withTimezone: true });

export const conversations = pgTable('conversations', {
  id: uuid('id').primaryKey(),
  /** Who may see it: the id of an API key, or the operator. */
  owner: text('owner').notNull(),
  /** Model id of the character. */
  character: text('character').notNull(),
  /** The name that the owner gave it. */
  title: text('title'),
  /** The last message of the branch that is shown. */
  head: uuid('head'),
  createdAt: moment('created_at').notNull().defaultNow(),
  changedAt: moment('changed_at').notNull().defaultNow(),
});

export const messages = pgTable('messages', {
  id: uuid('id').primaryKey(),
  conversationId: uuid('conversation_id').notNull(),
  /** What it answers to; null for the first of a conversation. */
  parentId: uuid('parent_id'),
  role: text('role', { enum: ['user', 'assistant'] }).notNull(),
  content: text('content').notNull(),
  picture: text('picture'),
  /** Counts up in the order of arrival. */
  position: bigint('position', { mode: 'number' }).generatedAlwaysAsIdentity(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

export const apiKeys = pgTable('api_keys', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  requestsPerMinute: integer('requests_per_minute'),
  concurrentRequests: integer('concurrent_requests'),
  createdAt: moment('created_at').notNull().defaultNow(),
  revokedAt: moment('revoked_at'),
});

export const characters = pgTable('characters', {
  id: text('id').primaryKey(),
  owner: text('owner').notNull(),
  name: text('name').notNull(),
  format: text('format', { enum: ['png', 'json', 'charx', 'folder'] }).notNull(),
  sha256: text('sha256').notNull(),
  provenance: text('provenance').notNull(),
  consentedAt: moment('consented_at').notNull().defaultNow(),
});
