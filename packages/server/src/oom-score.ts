import { writeFileSync } from 'node:fs';

/**
 * When memory runs out, Linux ends this process before those with a lower score; 0 is usual.
 * @param score up to 1000, which is always the first to go
 */
export function preferredByOomKiller(score: number): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(score));
  } catch {
    // Other systems choose for themselves.
  }
}
