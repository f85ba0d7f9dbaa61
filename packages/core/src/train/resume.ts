import type { TrainConfig } from '../config/index.js';
import { resolvedConfig } from '../run/resolved-config.js';
import type { RunFolder } from '../run/run-folder.js';
import { checkpointsOf, type LaterStage } from './progress.js';
import { TrainError } from './train-error.js';
import type { TrainingData } from './training-data.js';

/**
 * Keys that may change between the sessions of a run: they decide what is written, not what is learnt. The data folder may
 * move; its content is checked by fingerprint.
 */
const FREE_KEYS = [
  /^(out|data|stage|sft\.prior\.data)$/,
  /^(checkpoints|samples|generate|validation|cache)(\.|$)/,
];

/** Keys of a stage; they may change until the stage has begun. */
const STAGE_KEYS: Readonly<Record<Exclude<LaterStage, 'sft'>, RegExp>> = {
  grpo: /^(grpo|alarms)\./,
  'text-grpo': /^textGrpo\./,
};

/** Differing keys of two configurations, as `key: before -> now`; keys that may change are left out. */
export function configDifferences(before: unknown, now: unknown, alsoFree: readonly RegExp[] = []): string[] {
  const old = flatten(before);
  const fresh = flatten(now);
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return keys
    .filter(
      (key) => ![...FREE_KEYS, ...alsoFree].some((free) => free.test(key)) && old.get(key) !== fresh.get(key),
    )
    .map((key) => `${key}: ${old.get(key) ?? '(absent)'} -> ${fresh.get(key) ?? '(absent)'}`);
}

/**
 * Checks that a run was begun with this configuration.
 * @throws TrainError listing the keys that differ
 */
export function checkSameConfig(run: RunFolder, now: TrainConfig): void {
  const ahead = (['grpo', 'text-grpo'] as const).filter((stage) => !checkpointsOf(run, stage).latest());
  const differences = configDifferences(
    resolvedConfig(run),
    now,
    ahead.map((stage) => STAGE_KEYS[stage]),
  );
  if (differences.length === 0) return;
  throw new TrainError(
    `${run.root} belongs to a run with another configuration:\n  ${differences.join('\n  ')}\n` +
      'Set these keys back to continue that run, or choose another run folder.',
  );
}

/**
 * Checks that a run was begun with this data.
 * @throws TrainError
 */
export function checkSameData(
  run: RunFolder,
  before: string,
  { fingerprint, character }: TrainingData,
): void {
  if (before === fingerprint) return;
  throw new TrainError(
    `${character.source} is not what ${run.root} was trained on so far: pictures or texts have changed. ` +
      'Put the old data back to continue that run, or choose another run folder.',
  );
}

function flatten(value: unknown, prefix = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value === undefined ? new Map() : new Map([[prefix, JSON.stringify(value)]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, prefix ? `${prefix}.${key}` : key)]),
  );
}
