import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RunError } from '../run/run-error.js';
import { type RunFolder, STATE_FILE } from '../run/run-folder.js';
import { hashFiles } from '../tensor-io/content-hash.js';

/** Identifies a base model by the content of its weights and configuration. */
export async function baseFingerprint(folder: string): Promise<string> {
  const names = readdirSync(folder).filter((name) => /\.(safetensors|json)$/.test(name));
  const hash = await hashFiles(names.sort().map((name) => join(folder, name)));
  return `base-${hash.slice(0, 16)}`;
}

/**
 * Identifies the weights that a run answers with: names and states of its newest checkpoints. Trained on, a run has another one.
 * @throws RunError when it has no checkpoint
 */
export function modelFingerprint(run: RunFolder): string {
  const newest = [run.checkpoints, run.grpo, run.textGrpo].flatMap((stage) => stage.latest() ?? []);
  if (newest.length === 0) {
    throw new RunError(`${run.root}: expected a trained run, found no checkpoint; train it first`);
  }
  const hash = createHash('sha256').update(run.read(run.config));
  for (const { path } of newest) hash.update(basename(path)).update(readFileSync(join(path, STATE_FILE)));
  return hash.digest('hex').slice(0, 16);
}
