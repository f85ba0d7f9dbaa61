import { eq, gt, lt, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';

/** A part of a list, as OpenAI's clients ask for it. */
export interface PageRequest {
  readonly limit: number;
  /** Id of the row before the page. */
  readonly after?: string | undefined;
  /** `desc` (the newest first) unless told. */
  readonly order?: 'asc' | 'desc' | undefined;
}

interface PagedTable {
  readonly table: PgTable;
  readonly id: PgColumn;
  /** Counts up with every row. */
  readonly position: PgColumn;
}

/** The condition that rows come after the one that the request names; nothing comes after a row that does not exist. */
export function rowsAfter({ table, id, position }: PagedTable, page: PageRequest): SQL | undefined {
  if (page.after === undefined) return undefined;
  const named = sql`(SELECT ${position} FROM ${table} WHERE ${eq(id, page.after)})`;
  return page.order === 'asc' ? gt(position, named) : lt(position, named);
}
