import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrainConfig } from '@unicharacter/core';
import type { Core } from './context.js';
import { UsageError } from './errors.js';
import { fromUser } from './paths.js';

/** The options of the command line that shape a configuration. */
export interface ConfigOptions {
  config?: string;
  data?: string;
  out?: string;
  steps?: number;
  stage?: string;
  set: string[];
}

/** The folder of the installation, three levels above `dist/`: relative base models are looked for here too. */
const INSTALLATION = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The configuration of a training run: defaults, then the YAML file, then `--set`, then the named options. Its paths
 * are made absolute; they start at the user's folder. A relative model or judge that is not there is taken from the
 * installation, where `models/nano` lies.
 *
 * @throws ConfigError listing every problem with file, line and column
 * @throws UsageError when neither a configuration nor data are named
 */
export function readTrainConfig(core: Core, folder: string, options: ConfigOptions): TrainConfig {
  const { config: file, data, out, steps, stage, set } = options;
  const overrides: Record<string, unknown> = Object.fromEntries(set.map((text) => core.parseOverride(text)));
  if (data !== undefined) overrides.data = data;
  if (out !== undefined) overrides.out = out;
  if (steps !== undefined) overrides['sft.steps'] = steps;
  if (stage !== undefined) overrides.stage = stage;
  if (file === undefined && overrides.data === undefined) {
    throw new UsageError(
      'Nothing to train on: name the folder of a character with --data, or a --config file.',
    );
  }
  const config = core.loadConfig(file === undefined ? undefined : fromUser(folder, file), overrides);
  return core.mapPaths(config, (path, kind) =>
    kind === 'model' ? baseModel(folder, path) : fromUser(folder, path),
  );
}

/** The folder of a base model: as the user named it, else inside the installation. */
export function baseModel(folder: string, base: string): string {
  const named = fromUser(folder, base);
  const installed = fromUser(INSTALLATION, base);
  return !existsSync(named) && existsSync(installed) ? installed : named;
}

/**
 * The base models below a folder (of the installation unless told) by their names, those with weights first. A folder counts
 * when a training can start from it: it has a configuration and a tokenizer.
 */
export function baseModels(core: Core, folder = fromUser(INSTALLATION, 'models')): Record<string, string> {
  if (!existsSync(folder)) return {};
  const found = readdirSync(folder)
    .map((name) => ({ name, path: join(folder, name) }))
    .filter(({ path }) => core.isModelFolder(path) && existsSync(join(path, 'tokenizer.json')))
    .map((base) => ({ ...base, pretrained: core.describeBaseModel(base.path).pretrained }));
  const ordered = [...found.filter((base) => base.pretrained), ...found.filter((base) => !base.pretrained)];
  return Object.fromEntries(ordered.map(({ name, path }) => [name, path]));
}
