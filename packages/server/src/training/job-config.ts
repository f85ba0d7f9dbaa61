import {
  ConfigError,
  type ConfigOverrides,
  PATH_OPTIONS,
  parseConfig,
  type TrainConfig,
} from '@unicharacter/core';
import { isRecord } from '../cards/character-card.js';
import { type ApiError, invalidRequest } from '../errors.js';
import type { FolderlessConfig } from '../state/schema.js';

/** The numbers that a request may set beside `config`; `auto` leaves the default. */
export interface Hyperparameters {
  n_epochs?: number | 'auto';
  batch_size?: number | 'auto';
  learning_rate_multiplier?: number | 'auto';
}

export type MethodType = 'supervised' | 'reinforcement';

/** What a request says about how to train. */
export interface TrainingWish {
  readonly method: MethodType;
  readonly hyperparameters: Hyperparameters;
  readonly seed: number | undefined;
  /** Options of the training configuration, nested or by dotted name. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The folders of a training, chosen by the server. */
export interface TrainingFolders {
  readonly data: string;
  readonly base: string;
  readonly out: string;
  readonly validation?: string | undefined;
}

/** Options that have a field of the request to themselves. */
const ELSEWHERE: Readonly<Record<string, string>> = { stage: 'method', seed: 'seed' };

/**
 * The training configuration of a request: defaults, then hyperparameters, then `config`.
 * @param packsPerEpoch packs until every sample has been learnt from once, where they have been counted; without, `n_epochs`
 *   of Unified-SFT has no effect
 * @throws ApiError 400 `invalid_config` with every problem, a line each
 */
export function jobConfig(wish: TrainingWish, folders: TrainingFolders, packsPerEpoch?: number): TrainConfig {
  const given = Object.fromEntries(flatten(wish.config));
  refuseServersOptions(Object.keys(given));
  refuseNul(given);
  const { method, hyperparameters, seed } = wish;
  const read = (overrides: ConfigOverrides): TrainConfig =>
    readConfig({ ...overrides, ...given, ...ownOptions(method, seed, folders) });
  const numbers = method === 'supervised' ? supervised : reinforcement;
  return checkedPacks(read(numbers(hyperparameters, read({}), packsPerEpoch)));
}

/** Larger packs would only keep the server busy with planning them. */
const MOST_TOKENS_PER_PACK = 65_536;

/** @throws ApiError 400 */
function checkedPacks(config: TrainConfig): TrainConfig {
  const { tokensPerPack } = config.sft;
  if (tokensPerPack <= MOST_TOKENS_PER_PACK) return config;
  const problem = `expected at most ${MOST_TOKENS_PER_PACK} over HTTP, found ${tokensPerPack}`;
  throw invalidConfig([['sft.tokensPerPack', problem]]);
}

/** A configuration without the folders, which are the server's business. */
export function folderless({
  data: _,
  out: __,
  base: ___,
  validation,
  ...options
}: TrainConfig): FolderlessConfig {
  return { ...options, validation: { every: validation.every } };
}

function ownOptions(method: MethodType, seed: number | undefined, folders: TrainingFolders) {
  const { data, base, out, validation } = folders;
  return {
    data,
    base,
    out,
    stage: method === 'supervised' ? 'sft' : 'all',
    ...(seed === undefined ? {} : { seed }),
    ...(validation === undefined ? {} : { 'validation.data': validation }),
  };
}

function supervised(
  { n_epochs, batch_size, learning_rate_multiplier }: Hyperparameters,
  { sft }: TrainConfig,
  packsPerEpoch: number | undefined,
): ConfigOverrides {
  const packs = isSet(batch_size) ? batch_size : sft.accumulation;
  return {
    ...(isSet(batch_size) ? { 'sft.accumulation': batch_size } : {}),
    ...(isSet(n_epochs) && packsPerEpoch !== undefined
      ? { 'sft.steps': Math.ceil((n_epochs * packsPerEpoch) / packs) }
      : {}),
    ...(isSet(learning_rate_multiplier)
      ? { 'sft.optimizer.lr': sft.optimizer.lr * learning_rate_multiplier }
      : {}),
  };
}

function reinforcement(
  { n_epochs, batch_size, learning_rate_multiplier }: Hyperparameters,
  { grpo }: TrainConfig,
): ConfigOverrides {
  return {
    ...(isSet(n_epochs) ? { 'grpo.epochs': n_epochs } : {}),
    ...(isSet(batch_size) ? { 'grpo.promptsPerEpoch': batch_size } : {}),
    ...(isSet(learning_rate_multiplier)
      ? { 'grpo.optimizer.lr': grpo.optimizer.lr * learning_rate_multiplier }
      : {}),
  };
}

const isSet = (value: number | 'auto' | undefined): value is number => typeof value === 'number';

function readConfig(overrides: ConfigOverrides): TrainConfig {
  try {
    return parseConfig('', 'configuration', overrides);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw invalidConfig(error.problems.map(({ key, problem }) => [key, problem] as const));
  }
}

function refuseServersOptions(keys: readonly string[]): void {
  const problems = keys.flatMap((key): (readonly [string, string])[] => {
    const field = ELSEWHERE[key];
    if (field !== undefined) return [[key, `is set with the field "${field}" of the request`]];
    // No path from a request reaches the file system.
    return PATH_OPTIONS.has(key) ? [[key, 'is a place in the file system, which the server chooses']] : [];
  });
  if (problems.length > 0) throw invalidConfig(problems);
}

/** PostgreSQL keeps the configuration, and holds every character but U+0000. */
function refuseNul(given: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(given)) {
    const texts: unknown[] = Array.isArray(value) ? value : [value];
    if (texts.some((text) => typeof text === 'string' && text.includes('\0'))) {
      throw invalidConfig([[key, 'the character U+0000 is not allowed']]);
    }
  }
}

function invalidConfig(problems: readonly (readonly [key: string, problem: string])[]): ApiError {
  const lines = problems.map(([key, problem]) => `${key}: ${problem}`);
  return invalidRequest(lines.join('\n'), `config.${problems[0]?.[0] ?? ''}`, 'invalid_config');
}

/** `{sft: {steps: 5}}` and `{'sft.steps': 5}` → `sft.steps`, 5. Lists are values. */
function flatten(value: Readonly<Record<string, unknown>>, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const path = prefix + name;
    return isRecord(inner) && Object.keys(inner).length > 0 ? flatten(inner, `${path}.`) : [[path, inner]];
  });
}
