import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { systemCode, writeFailure } from './run-error.js';

/**
 * Takes a lock: a file that holds the number of this process. The lock of a process that died is taken over.
 * @param held makes the error for a lock that the living process `holder` has
 * @returns a function that gives the lock back
 * @throws what `held` makes; RunError when the file cannot be written
 */
export function lockFile(path: string, held: (holder: number) => Error): () => void {
  const release = (): void => rmSync(path, { force: true });
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return release;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw writeFailure('a lock', path, error);
  }
  const holder = Number(readFileSync(path, 'utf8'));
  if (holder !== process.pid && isAlive(holder)) throw held(holder);
  writeFileSync(path, String(process.pid));
  return release;
}

/** The living process that has the lock; undefined when nobody has. */
export function lockHolder(path: string): number | undefined {
  const holder = existsSync(path) ? Number(readFileSync(path, 'utf8')) : Number.NaN;
  return isAlive(holder) ? holder : undefined;
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
