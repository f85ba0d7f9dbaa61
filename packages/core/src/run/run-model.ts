import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADAPTER_FILE,
  type LoadOptions,
  type LoraAdapter,
  loadAdapter,
  type ModelConfig,
  UnifiedModel,
} from '../model/index.js';
import { RunError } from './run-error.js';

/** Weights of a whole model in a checkpoint or a base model folder: the running mean, then the last values. */
const MEANS = 'ema.safetensors';
const WEIGHTS = 'model.safetensors';
const SHARDS = 'model.safetensors.index.json';
/** Folder of the running means of an adapter. */
const ADAPTER_MEANS = 'ema';

/** The weights of a base model folder, or undefined when it has none. */
export function baseWeights(folder: string): string | undefined {
  return [MEANS, WEIGHTS, SHARDS].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** A model and the adapter it computes with. */
export interface RunModel {
  readonly model: UnifiedModel;
  readonly adapter: LoraAdapter | null;
  dispose(): void;
}

export interface RunModelSources {
  /** Folder of the base model; used when no checkpoint holds a whole model. */
  readonly base: string;
  /** Checkpoint folders, earliest stage first: each builds on the ones before. */
  readonly checkpoints: readonly string[];
  /** Running means where there are any; otherwise the values that training goes on with. */
  readonly means: boolean;
  /** Which weights become variables; all when absent. */
  readonly trainable?: LoadOptions['trainable'];
}

/**
 * Loads the model that a run has reached: the newest whole model, or the base, with the newest adapter that was trained
 * on it in use.
 * @throws RunError when the weights that an adapter belongs to are gone; WeightsError when files do not fit together
 */
export function loadRunModel(config: ModelConfig, sources: RunModelSources): RunModel {
  const { base, checkpoints, means, trainable = 'all' } = sources;
  let weights: string | undefined;
  let adapterFolder: string | undefined;
  for (const folder of checkpoints) {
    const adapter = adapterIn(folder, means);
    if (adapter) {
      adapterFolder = adapter;
      continue;
    }
    weights = wholeModelIn(folder, means);
    adapterFolder = undefined;
  }
  weights ??= baseWeights(base);
  if (!weights) {
    throw new RunError(
      `${adapterFolder}: an adapter needs the base model it was trained on; expected weights in ${base}, found none`,
    );
  }
  const model = UnifiedModel.load(config, weights, { trainable });
  let adapter: LoraAdapter | null = null;
  try {
    if (adapterFolder) adapter = loadAdapter(adapterFolder, model.adapterTargets());
  } catch (error) {
    model.dispose();
    throw error;
  }
  model.useAdapter(adapter);
  return {
    model,
    adapter,
    dispose: () => {
      adapter?.dispose();
      model.dispose();
    },
  };
}

function adapterIn(folder: string, means: boolean): string | undefined {
  const candidates = means ? [join(folder, ADAPTER_MEANS), folder] : [folder];
  return candidates.find((candidate) => existsSync(join(candidate, ADAPTER_FILE)));
}

function wholeModelIn(folder: string, means: boolean): string {
  const names = means ? [MEANS, WEIGHTS] : [WEIGHTS];
  const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (found) return found;
  throw new RunError(`${folder}: expected ${ADAPTER_FILE} or ${names.join(' or ')}, found neither`);
}
