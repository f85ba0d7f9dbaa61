/** The tables of `migrations/`, as drizzle's queries see them. */
import type { Stage, TrainConfig } from '@unicharacter/core';
import { bigint, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

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

const position = () => bigint('position', { mode: 'number' }).generatedAlwaysAsIdentity();

export const trainingFiles = pgTable('training_files', {
  id: text('id').primaryKey(),
  owner: text('owner').notNull(),
  filename: text('filename').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  sha256: text('sha256').notNull(),
  name: text('name').notNull(),
  provenance: text('provenance').notNull(),
  consentedAt: moment('consented_at'),
  position: position(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

export const JOB_STATUSES = ['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** How a job trains, in the words of the request, and what that comes to. */
export interface JobMethod {
  readonly type: 'supervised' | 'reinforcement';
  readonly hyperparameters: Readonly<Record<string, number | 'auto'>>;
  /** Lengths in optimizer steps, or epochs where a stage learns from rewards. */
  readonly stages: readonly { readonly stage: Stage; readonly steps: number }[];
}

export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
}

/** A configuration without the folders, which the server chooses. */
export type FolderlessConfig = Omit<TrainConfig, 'data' | 'out' | 'base'>;

export const fineTuningJobs = pgTable('fine_tuning_jobs', {
  id: text('id').primaryKey(),
  owner: text('owner').notNull(),
  status: text('status', { enum: JOB_STATUSES }).notNull().default('queued'),
  requested: text('requested', { enum: ['cancel', 'pause'] }),
  model: text('model').notNull(),
  source: text('source').notNull(),
  validationSource: text('validation_source'),
  characterName: text('character_name').notNull(),
  suffix: text('suffix'),
  config: jsonb('config').$type<FolderlessConfig>().notNull(),
  method: jsonb('method').$type<JobMethod>().notNull(),
  metadata: jsonb('metadata').$type<Readonly<Record<string, string>>>(),
  fineTunedModel: text('fine_tuned_model').unique(),
  error: jsonb('error').$type<JobError>(),
  worker: text('worker'),
  leaseUntil: moment('lease_until'),
  crashes: integer('crashes').notNull().default(0),
  position: position(),
  createdAt: moment('created_at').notNull().defaultNow(),
  finishedAt: moment('finished_at'),
});

/** What an event says; `kind` decides about the other fields. */
export type EventData = Readonly<Record<string, unknown>> & { readonly kind: string };

export const fineTuningEvents = pgTable('fine_tuning_events', {
  serial: bigint('serial', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  jobId: text('job_id').notNull(),
  line: integer('line'),
  level: text('level', { enum: ['info', 'warn', 'error'] }).notNull(),
  message: text('message').notNull(),
  data: jsonb('data').$type<EventData>().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
});
