import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** What a log must say about where it was made. */
export function machine(threads) {
  return {
    cpu: cpus()[0].model,
    threads,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    commit: commit(),
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

/** The first line of every log. */
export const aboutLine = ({ cpu, threads, memoryGiB, node, commit, date }) =>
  `${cpu}, ${threads} threads, ${memoryGiB} GiB, Node ${node}, commit ${commit}, ${date} UTC`;

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return 'unknown';
  }
}
