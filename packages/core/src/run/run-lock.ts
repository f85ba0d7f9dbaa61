import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunError, systemCode, writeFailure } from './run-error.js';
import { LOCK_FILE } from './run-folder.js';

/**
 * Keeps a second process from training into the same folder. The lock of a process that died is taken over.
 * @returns a function that gives the lock back
 * @throws RunError naming the process that holds it
 */
export function lockRun(root: string): () => void {
  const path = join(root, LOCK_FILE);
  const release = (): void => rmSync(path, { force: true });
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return release;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw writeFailure('the lock of the run', path, error);
  }
  const holder = Number(readFileSync(path, 'utf8'));
  if (holder !== process.pid && isAlive(holder)) {
    throw new RunError(
      `${root}: process ${holder} is training into this folder; wait for it, stop it, or choose another folder ` +
        `(if it is no training, delete ${path})`,
    );
  }
  writeFileSync(path, String(process.pid));
  return release;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
