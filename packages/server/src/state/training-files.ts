import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Database } from './database.js';
import { type PageRequest, rowsAfter } from './page-of.js';
import { trainingFiles } from './schema.js';

export type TrainingFile = typeof trainingFiles.$inferSelect;
export type NewTrainingFile = typeof trainingFiles.$inferInsert;

const PAGED = { table: trainingFiles, id: trainingFiles.id, position: trainingFiles.position };

/** Archives that were uploaded to train on. Everybody sees their own only. */
export class TrainingFiles {
  constructor(private readonly database: Database) {}

  async add(file: NewTrainingFile): Promise<TrainingFile> {
    const [row] = await this.database.insert(trainingFiles).values(file).returning();
    return row!;
  }

  async find(owner: string, id: string): Promise<TrainingFile | undefined> {
    const [row] = await this.database.select().from(trainingFiles).where(ownedBy(owner, id));
    return row;
  }

  list(owner: string, page: PageRequest): Promise<TrainingFile[]> {
    const direction = page.order === 'asc' ? asc : desc;
    return this.database
      .select()
      .from(trainingFiles)
      .where(and(eq(trainingFiles.owner, owner), rowsAfter(PAGED, page)))
      .orderBy(direction(trainingFiles.position))
      .limit(page.limit);
  }

  /** Keeps that the owner stated consent; an earlier statement stays. */
  async consent(owner: string, id: string, provenance: string | undefined): Promise<void> {
    const note = provenance === undefined ? {} : { provenance };
    await this.database
      .update(trainingFiles)
      .set({ consentedAt: sql`coalesce(consented_at, now())`, ...note })
      .where(ownedBy(owner, id));
  }

  async remove(owner: string, id: string): Promise<void> {
    await this.database.delete(trainingFiles).where(ownedBy(owner, id));
  }
}

const ownedBy = (owner: string, id: string) => and(eq(trainingFiles.id, id), eq(trainingFiles.owner, owner));
