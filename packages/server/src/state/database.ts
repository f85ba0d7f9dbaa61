import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockFile } from '@unicharacter/core';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** Queries, on whichever PostgreSQL lies below. */
export type Database = PgDatabase<PgQueryResultHKT, Record<string, never>>;

/** An open database; `close` ends its connections. */
export interface OpenDatabase {
  readonly database: Database;
  /** True when it belongs to this process alone. */
  readonly exclusive: boolean;
  close(): Promise<void>;
}

/** The state cannot be opened; the message says what to do. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** Hand-written SQL in drizzle's layout: applied in order, in one transaction, and only once. */
const MIGRATIONS = { migrationsFolder: fileURLToPath(new URL('../../migrations/', import.meta.url)) };

/** Any number, the same for every server: only one of them migrates at a time. */
const MIGRATION_LOCK = 0x756e6963;

/**
 * Opens the embedded PostgreSQL (PGlite) in a folder and brings its tables up to date. The folder belongs to one process.
 * What is committed survives the end of the process at any moment; PGlite does not flush to the disk, so a power cut may
 * take the last seconds.
 * @param folder undefined keeps everything in memory
 * @throws StateError when another process has the folder open, or a newer version wrote it
 */
export async function openEmbedded(folder: string | undefined): Promise<OpenDatabase> {
  const { PGlite } = await import('@electric-sql/pglite');
  const { drizzle } = await import('drizzle-orm/pglite');
  const { migrate } = await import('drizzle-orm/pglite/migrator');
  const release = folder === undefined ? () => {} : lockState(folder);
  let client: InstanceType<typeof PGlite> | undefined;
  const close = async () => {
    try {
      await client?.close();
    } finally {
      release();
    }
  };
  try {
    client = await PGlite.create(folder === undefined ? {} : { dataDir: join(folder, 'postgres') });
    const database = drizzle({ client });
    await migrate(database, MIGRATIONS);
    await refuseNewer(database);
    return { database, exclusive: true, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Connects to a PostgreSQL server and brings its tables up to date; several servers may share one database.
 * @throws StateError when a newer version has migrated it; pg's errors when it cannot be reached
 */
export async function openServer(url: string): Promise<OpenDatabase> {
  const { default: pg } = await import('pg');
  const { drizzle } = await import('drizzle-orm/node-postgres');
  const { migrate } = await import('drizzle-orm/node-postgres/migrator');
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5000 });
  // A connection that breaks while it is idle is replaced by the pool; whoever uses one gets the error there.
  pool.on('error', () => {});
  // One that breaks between two queries of a transaction has nobody else to tell; the next query fails.
  pool.on('connect', (client) => client.on('error', () => {}));
  try {
    const client = await pool.connect();
    try {
      await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await migrate(drizzle({ client }), MIGRATIONS);
      await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    } finally {
      client.release();
    }
    const database = drizzle({ client: pool });
    await refuseNewer(database);
    return { database, exclusive: false, close: () => pool.end() };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function lockState(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'state.lock');
  return lockFile(path, (holder) => {
    return new StateError(
      `${folder}: process ${holder} has this state open, and an embedded database belongs to one process; stop it, ` +
        `name another folder with --state, or set DATABASE_URL (if it is no server, delete ${path})`,
    );
  });
}

async function refuseNewer(database: Database): Promise<void> {
  const known = readMigrationFiles(MIGRATIONS).length;
  const result = (await database.execute(
    sql`SELECT count(*)::int AS applied FROM drizzle.__drizzle_migrations`,
  )) as unknown as { rows: { applied: number }[] };
  const applied = result.rows[0]?.applied ?? 0;
  if (applied <= known) return;
  throw new StateError(
    `The database has ${applied} migrations and this version knows ${known}: a newer version wrote it. Start that one.`,
  );
}
