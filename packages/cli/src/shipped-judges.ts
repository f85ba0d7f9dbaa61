import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of the judges of toy-world pictures that ship with the project, where they are. */
export function shippedJudges(folder: string): { reader?: string; clip?: string } {
  const reader = join(folder, 'models', 'toy-reader');
  const clip = join(folder, 'models', 'toy-clip');
  return { ...(existsSync(reader) ? { reader } : {}), ...(existsSync(clip) ? { clip } : {}) };
}
