import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFileWith } from '../tensor-io/index.js';
import { writeFailure } from './run-error.js';

/**
 * Writes a whole file, making its folder when needed; `path` holds either the old or the new content at any moment.
 * @throws RunError when the folder cannot be written or the disk is full; the old content stays.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    replaceFileWith(path, content);
  } catch (error) {
    throw writeFailure('a file', path, error);
  }
}

/**
 * Fills a folder under a temporary name and renames it to `path`; a folder with that name is replaced.
 * A reader therefore never sees a half-written folder.
 * @throws RunError when it cannot be written; the temporary folder is removed and everything else stays as it was.
 */
export function writeFolderAtomic(path: string, fill: (folder: string) => void): void {
  const partial = `${path}.partial`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    fill(partial);
    syncFolder(partial);
    rmSync(path, { recursive: true, force: true });
    renameSync(partial, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw writeFailure('a folder', path, error);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
