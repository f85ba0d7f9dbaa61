import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFolderAtomic } from './atomic-write.js';
import { RunError, writeFailure } from './run-error.js';

/** A finished checkpoint on disk. `step` counts completed optimizer steps. */
export interface CheckpointRef {
  step: number;
  path: string;
}

/** Holds the number of the process that trains into the folder. */
export const LOCK_FILE = 'train.lock';

/** File name of the autoencoder's weights. */
export const VAE_FILE = 'ae.safetensors';

const STEP_FOLDER = /^step-(\d{7})$/;

/** The folder name of a checkpoint: `step-0000060`. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(7, '0')}`;
}

/** Which checkpoints stay. */
export interface Keep {
  /** That many of the newest; at least one. */
  readonly keep: number;
  /** And the one with the highest score. */
  readonly keepBest?: boolean;
}

/** File of a checkpoint that says what the next step depends on; it makes a checkpoint complete. */
export const STATE_FILE = 'state.json';

/** The score in `state.json`, where there is a number. A damaged file has none. */
function scoreOf({ path }: CheckpointRef): number | undefined {
  try {
    const { score } = JSON.parse(readFileSync(join(path, STATE_FILE), 'utf8')) as { score?: unknown };
    return typeof score === 'number' ? score : undefined;
  } catch {
    return undefined;
  }
}

/** The checkpoints of one training stage, newest last. Only folders that were written completely are seen. */
export class CheckpointFolder {
  constructor(readonly root: string) {}

  /** Complete checkpoints in ascending order of step. */
  list(): CheckpointRef[] {
    if (!existsSync(this.root)) return [];
    return readdirSync(this.root)
      .map((name) => ({ name, match: STEP_FOLDER.exec(name) }))
      .filter(({ name, match }) => match !== null && existsSync(join(this.root, name, STATE_FILE)))
      .map(({ name, match }) => ({ step: Number(match?.[1]), path: join(this.root, name) }))
      .sort((a, b) => a.step - b.step);
  }

  latest(): CheckpointRef | undefined {
    return this.list().at(-1);
  }

  /**
   * Writes a checkpoint: `fill` writes the files into a temporary folder, which gets its final name at the end; then
   * only the newest `keep` are kept, and with `keepBest` also the one with the highest score.
   * @throws RunError when it cannot be written (full disk …); earlier checkpoints stay untouched and are named.
   */
  save(step: number, { keep, keepBest = false }: Keep, fill: (folder: string) => void): CheckpointRef {
    const path = join(this.root, checkpointName(step));
    try {
      writeFolderAtomic(path, fill);
    } catch (error) {
      const previous = this.latest();
      const intact = previous
        ? `The checkpoint of step ${previous.step} is intact: run the same command again to continue from it.`
        : 'There is no earlier checkpoint.';
      throw new RunError(`${error instanceof Error ? error.message : String(error)}. ${intact}`, {
        cause: error,
      });
    }
    this.prune(keep, keepBest);
    return { step, path };
  }

  /** Removes all of them. */
  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** The checkpoint with the highest score; of equals the newest. */
  best(): CheckpointRef | undefined {
    let best: { ref: CheckpointRef; score: number } | undefined;
    for (const ref of this.list()) {
      const score = scoreOf(ref);
      if (score !== undefined && (best === undefined || score >= best.score)) best = { ref, score };
    }
    return best?.ref;
  }

  /** Removes all but the newest `keep` checkpoints and, if wanted, the best, and what an interrupted write left behind. */
  prune(keep: number, keepBest = false): void {
    const best = keepBest ? this.best()?.step : undefined;
    for (const old of this.list().slice(0, -Math.max(1, keep))) {
      if (old.step === best) continue;
      rmSync(old.path, { recursive: true, force: true });
    }
    for (const name of readdirSync(this.root)) {
      if (name.endsWith('.partial')) rmSync(join(this.root, name), { recursive: true, force: true });
    }
  }
}

/**
 * Where everything of a run lies:
 * `config.yaml` (resolved), `events.jsonl`, `report.html`, `samples/`, `character/` (card and images as trained on),
 * `checkpoints/step-*` of Unified-SFT, `checkpoints/grpo/step-*` and `checkpoints/text-grpo/step-*` of the stages after it,
 * `checkpoints/vae/step-*` while the autoencoder trains, `vae/ae.safetensors` afterwards, and the tokenizer and model JSON files.
 */
export class RunFolder {
  readonly config: string;
  readonly events: string;
  readonly report: string;
  readonly samples: string;
  readonly character: string;
  readonly vae: string;
  readonly checkpoints: CheckpointFolder;
  readonly vaeCheckpoints: CheckpointFolder;
  readonly grpo: CheckpointFolder;
  readonly textGrpo: CheckpointFolder;

  constructor(readonly root: string) {
    this.config = join(root, 'config.yaml');
    this.events = join(root, 'events.jsonl');
    this.report = join(root, 'report.html');
    this.samples = join(root, 'samples');
    this.character = join(root, 'character');
    this.vae = join(root, 'vae', VAE_FILE);
    this.checkpoints = new CheckpointFolder(join(root, 'checkpoints'));
    this.grpo = new CheckpointFolder(join(root, 'checkpoints', 'grpo'));
    this.textGrpo = new CheckpointFolder(join(root, 'checkpoints', 'text-grpo'));
    this.vaeCheckpoints = new CheckpointFolder(join(root, 'checkpoints', 'vae'));
  }

  /**
   * Makes the folder.
   * @throws RunError when that is not possible, or when there is a folder with other things in it
   */
  create(): void {
    try {
      mkdirSync(this.root, { recursive: true });
    } catch (error) {
      throw writeFailure('the run folder', this.root, error);
    }
    if (existsSync(this.config)) return;
    const foreign = readdirSync(this.root).filter((name) => name !== LOCK_FILE && !name.endsWith('.partial'));
    if (foreign.length === 0) return;
    throw new RunError(
      `${this.root}: expected a run folder or an empty one, found ${foreign[0]} but no config.yaml; ` +
        'choose another folder',
    );
  }

  /** The text of a file of the run. @throws RunError that names the file when it is missing or unreadable. */
  read(path: string): string {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new RunError(
        `${path} is missing or unreadable; expected a run folder written by "unicharacter train" at ${this.root}`,
        { cause: error },
      );
    }
  }
}
