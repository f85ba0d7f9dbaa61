import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import Value from 'typebox/value';
import { parse as parseYaml } from 'yaml';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { findProblems } from './problems.js';
import { type TrainConfig, TrainConfigSchema } from './schema.js';
import { YamlSource } from './yaml-source.js';

/** Values that win over the file, by dotted path: `{ 'sft.steps': 100, 'sft.mix': { dialogue: 1 } }`. */
export type ConfigOverrides = Readonly<Record<string, unknown>>;

/**
 * Reads a training configuration: defaults, then the YAML file (if any), then `overrides`.
 *
 * @throws ConfigError listing every problem with its place: unknown options (with what may have been meant), wrong
 *   types, values out of bounds or in conflict, missing data folder, a file that cannot be read or is not YAML
 */
export function loadConfig(path: string | undefined, overrides: ConfigOverrides = {}): TrainConfig {
  if (path === undefined) return parseConfig('', 'configuration', overrides);
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([{ place: path, key: '', problem: `cannot be read (${reason})` }]);
  }
  return parseConfig(source, path, overrides);
}

/** {@link loadConfig} from text; `file` names it in messages. */
export function parseConfig(
  source: string,
  file = 'configuration',
  overrides: ConfigOverrides = {},
): TrainConfig {
  const yaml = new YamlSource(file, source);
  const value = yaml.value;
  const conflicts = Object.entries(overrides).flatMap(([path, entry]) => setAt(value, path, entry));
  if (conflicts.length > 0) throw new ConfigError(conflicts);

  const config = Value.Default(TrainConfigSchema, structuredClone(value)) as TrainConfig;
  config.out ??= defaultRunFolder(config.data);
  shortenDefaultWarmup(config, value);
  const problems = findProblems(config);
  if (problems.length === 0) return config;
  throw new ConfigError(
    problems.map(({ path, problem, atKey }) => {
      const key = path.join('.');
      const override = Object.keys(overrides).find((name) => `${key}.`.startsWith(`${name}.`));
      const place = atKey ? yaml.placeOfKey(path) : yaml.placeOfValue(path);
      return { place: override === undefined ? place : `override ${override}`, key, problem };
    }),
  );
}

/**
 * Reads one override written as `sft.steps=100`; the value is YAML, so `[0.9, 0.99]` and `{ dialogue: 1 }` work.
 *
 * @throws ConfigError when there is no `=` or the value is not YAML
 */
export function parseOverride(assignment: string): [path: string, value: unknown] {
  const at = assignment.indexOf('=');
  const fail = (problem: string) => new ConfigError([{ place: `override ${assignment}`, key: '', problem }]);
  if (at < 1) throw fail('expected <option>=<value>, such as sft.steps=100');
  try {
    return [assignment.slice(0, at).trim(), parseYaml(assignment.slice(at + 1))];
  } catch (cause) {
    throw fail(`the value is not valid YAML (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** A short run (`--steps 5`) should not fail over a warm-up that nobody asked for. */
function shortenDefaultWarmup(config: TrainConfig, given: Record<string, unknown>): void {
  // The other stages have no warm-up unless asked.
  for (const stage of ['vae', 'sft'] as const) {
    const asked = (given[stage] as { optimizer?: { warmupSteps?: unknown } } | undefined)?.optimizer
      ?.warmupSteps;
    const { steps, optimizer } = config[stage] ?? {};
    if (asked !== undefined || typeof steps !== 'number' || typeof optimizer?.warmupSteps !== 'number')
      continue;
    optimizer.warmupSteps = Math.min(optimizer.warmupSteps, steps);
  }
}

function defaultRunFolder(data: unknown): string {
  return join('runs', typeof data === 'string' && data !== '' ? basename(resolve(data)) : 'character');
}

/** Sets `value[a][b][c]` for the path `a.b.c`; reports the part of the path that is a value already. */
function setAt(value: Record<string, unknown>, path: string, entry: unknown): ConfigProblem[] {
  const names = path.split('.');
  let target = value;
  for (const name of names.slice(0, -1)) {
    const inner: unknown = Object.hasOwn(target, name) ? (target[name] ?? {}) : {};
    if (typeof inner !== 'object' || Array.isArray(inner)) {
      return [
        {
          place: `override ${path}`,
          key: path,
          problem: `"${name}" holds ${JSON.stringify(inner)}, not options`,
        },
      ];
    }
    Object.defineProperty(target, name, {
      value: inner,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    target = inner as Record<string, unknown>;
  }
  const last = names.at(-1) as string;
  Object.defineProperty(target, last, { value: entry, writable: true, enumerable: true, configurable: true });
  return [];
}
