// Resident memory of this process, in MiB, from Linux' /proc.
import { readFileSync, writeFileSync } from 'node:fs';

function status(field) {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found[1]) / 1024;
}

/** What the process holds now. */
export const rssMiB = () => status('VmRSS');

/** The most it has held since `restartPeak`. */
export const peakMiB = () => status('VmHWM');

export const restartPeak = () => writeFileSync('/proc/self/clear_refs', '5');
