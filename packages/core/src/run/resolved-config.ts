import Value from 'typebox/value';
import { parse } from 'yaml';
import { type TrainConfig, TrainConfigSchema } from '../config/index.js';
import { RunError } from './run-error.js';
import type { RunFolder } from './run-folder.js';

/**
 * The configuration that a run was begun with. Options that came with a later release have their defaults; folders that it
 * names need not exist any more.
 * @throws RunError when `config.yaml` is missing, is not YAML, or is of another release
 */
export function resolvedConfig(run: RunFolder): TrainConfig {
  const text = run.read(run.config);
  let config: unknown;
  try {
    config = Value.Default(TrainConfigSchema, parse(text));
  } catch (cause) {
    throw new RunError(`${run.config}: expected YAML (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    });
  }
  if (Value.Check(TrainConfigSchema, config)) return config;
  const [problem] = Value.Errors(TrainConfigSchema, config);
  throw new RunError(
    `${run.config}: ${problem?.instancePath || 'the file'} ${problem?.message ?? 'is not a training configuration'}; ` +
      'the run was written by another release, train into a new folder',
  );
}
