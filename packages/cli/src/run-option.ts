import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './errors.js';
import { fromUser } from './paths.js';

/**
 * The run folder that a command works on: the one that is named, else the newest below `runs/` of the user's folder.
 * @throws UsageError when there is none
 */
export function runFolder(folder: string, named: string | undefined): string {
  if (named !== undefined) {
    const path = fromUser(folder, named);
    if (!existsSync(path)) {
      throw new UsageError(
        `The run folder ${path} does not exist. "unicharacter train --out ${named}" makes one.`,
      );
    }
    return path;
  }
  const root = join(folder, 'runs');
  const [newest] = trainedRuns(root);
  if (newest === undefined) {
    throw new UsageError(`No trained run found below ${root}. Name one with --run DIR, or train one first.`);
  }
  return newest;
}

/** All runs with a checkpoint below a folder, the newest first. */
export function trainedRuns(root: string): string[] {
  return candidates(root)
    .sort((a, b) => b.time - a.time)
    .map(({ path }) => path);
}

function candidates(root: string): { path: string; time: number }[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((path) => existsSync(join(path, 'checkpoints')))
    .map((path) => ({ path, time: statSync(join(path, 'checkpoints')).mtimeMs }));
}
