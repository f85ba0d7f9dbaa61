import { join } from 'node:path';
import { lockFile, lockHolder } from './lock-file.js';
import { RunError } from './run-error.js';
import { LOCK_FILE } from './run-folder.js';

/**
 * Keeps a second process from training into the same folder. The lock of a process that died is taken over.
 * @returns a function that gives the lock back
 * @throws RunError naming the process that holds it
 */
export function lockRun(root: string): () => void {
  const path = join(root, LOCK_FILE);
  return lockFile(
    path,
    (holder) =>
      new RunError(
        `${root}: process ${holder} is training into this folder; wait for it, stop it, or choose another folder ` +
          `(if it is no training, delete ${path})`,
      ),
  );
}

/** The process that trains into a run folder; undefined when none does. */
export const trainingProcess = (root: string): number | undefined => lockHolder(join(root, LOCK_FILE));
