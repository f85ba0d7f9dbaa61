import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file so that `path` always holds either the old or the complete new content: temporary file in the same
 * folder, fsync, rename. When anything fails (disk full included) the temporary file is removed and the error thrown.
 *
 * @param write receives a function that appends bytes
 */
export function replaceFile(path: string, write: (append: (bytes: Uint8Array) => void) => void): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.partial`;
  const descriptor = openSync(temporary, 'wx', 0o644);
  let open = true;
  try {
    write((bytes) => writeFully(descriptor, bytes));
    fsyncSync(descriptor);
    open = false;
    closeSync(descriptor);
    renameSync(temporary, path);
  } catch (error) {
    if (open) closeSync(descriptor);
    unlinkSync(temporary);
    throw error;
  }
  syncFolder(dirname(path));
}

/** {@link replaceFile} for content that is already in memory; text is written as UTF-8. */
export function replaceFileWith(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  replaceFile(path, (append) => append(bytes));
}

/** Largest single write; Linux transfers at most 2 GiB - 4 KiB per call. */
const WRITE_CHUNK = 1 << 30;

function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(descriptor, bytes, done, Math.min(WRITE_CHUNK, bytes.length - done));
  }
}

/** Makes the rename itself durable. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
