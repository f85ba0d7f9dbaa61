import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

// Clock ticks of /proc per second, the same on every Linux that Node runs on.
const TICKS = 100;

/** Ticks that all processors have worked, and that their host has given to others. */
function machineTicks() {
  const [user, nice, system, , , irq, softIrq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softIrq + steal;
}

/** Ticks that one process has worked. The fields follow the name of the program, which may hold anything. */
function processTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/**
 * Starts watching. The function that is returned tells which share of the machine others than process `pid` have used
 * since: a measurement beside which others worked is not worth much. Undefined where there is no /proc.
 */
export function watchOthers(pid) {
  try {
    const before = { machine: machineTicks(), own: processTicks(pid), at: performance.now() };
    return () => {
      const seconds = (performance.now() - before.at) / 1e3;
      const others = machineTicks() - before.machine - (processTicks(pid) - before.own);
      return Math.max(0, others) / (seconds * TICKS * availableParallelism());
    };
  } catch {
    return () => undefined;
  }
}
