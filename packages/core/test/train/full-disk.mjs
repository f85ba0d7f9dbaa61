// Loaded before a training in a process of its own: the disk is full soon after the event log holds DISK_FULL_AFTER.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Enough for a few lines of the log, not for a checkpoint. */
const LEFT = 30_000;

let left = Number.POSITIVE_INFINITY;
const { writeSync, appendFileSync } = fs;

/** How much of a write fits. */
function fitting(bytes) {
  if (Buffer.from(bytes).includes(process.env.DISK_FULL_AFTER)) left = LEFT;
  if (left === 0)
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const part = Math.min(bytes.length, left);
  left -= part;
  return part;
}

fs.writeSync = (file, bytes, offset = 0, length = bytes.length - offset) =>
  writeSync(file, bytes, offset, fitting(bytes.subarray(offset, offset + length)));
fs.appendFileSync = (path, bytes) => appendFileSync(path, bytes.subarray(0, fitting(bytes)));
syncBuiltinESMExports();
