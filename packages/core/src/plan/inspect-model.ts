import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import {
  loadModelConfig,
  locateTensors,
  type ModelConfig,
  modelTensors,
  type TensorSpec,
  vaeTensors,
  WeightsError,
} from '../model/index.js';
import { baseWeights } from '../run/run-model.js';
import { openTensors, SafetensorsError, type TensorSource } from '../tensor-io/index.js';
import { type MemoryNeeds, type MemoryPlan, memoryPlans } from './memory-plan.js';
import { countModelParts, countVaeParts, type PartCount, totalOf } from './parts.js';

/** One tensor of the model; `dtype` is null where no file of the folder holds it. */
export interface TensorRow {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string | null;
}

/** A file with weights and what is wrong with it, null when it fits the configuration. */
export interface WeightsCheck {
  readonly file: string;
  readonly problem: string | null;
}

/** Memory that a plan is held against, in bytes. */
export interface Device {
  readonly name: string;
  readonly bytes: number;
}

export interface ModelInspection {
  readonly config: ModelConfig;
  readonly parts: readonly PartCount[];
  readonly model: PartCount;
  readonly vae: PartCount;
  /** Weights beside the configuration; a folder may have none. */
  readonly files: readonly WeightsCheck[];
  readonly tensors: readonly TensorRow[];
  readonly needs: MemoryNeeds;
  readonly plans: readonly MemoryPlan[];
  readonly devices: readonly Device[];
  readonly ok: boolean;
}

/** Sizes of cards, in units of 10⁹ bytes. */
const CARDS = [24, 48, 80, 141] as const;

/** The file that marks a folder as a model. */
export const isModelFolder = (dir: string) => existsSync(join(dir, 'llm_config.json'));

/**
 * What a model folder holds and what it takes to run and to train it. Configuration files alone are enough; weights beside
 * them are checked by their headers, no data is read.
 *
 * @throws ModelConfigError naming file and field when the configuration cannot be used
 */
export function inspectModel(dir: string, needs: MemoryNeeds): ModelInspection {
  const config = loadModelConfig(dir);
  const parts = [...countModelParts(config), ...countVaeParts(config)];
  const vae = join(dir, 'ae.safetensors');
  const weights = checkedWeights(baseWeights(dir), modelTensors(config));
  const autoencoder = checkedWeights(existsSync(vae) ? vae : undefined, vaeTensors(config.vae));
  const files = [weights.check, autoencoder.check].filter((check) => check !== null);
  return {
    config,
    parts,
    model: totalOf('unified model', countModelParts(config)),
    vae: totalOf('autoencoder', countVaeParts(config)),
    files,
    tensors: [...weights.rows, ...autoencoder.rows],
    needs,
    plans: memoryPlans(config, needs),
    devices: [
      ...CARDS.map((size) => ({ name: `${size} GB`, bytes: size * 1e9 })),
      { name: 'this machine', bytes: totalmem() },
    ],
    ok: files.every(({ problem }) => problem === null),
  };
}

function checkedWeights(
  file: string | undefined,
  specs: readonly TensorSpec[],
): { check: WeightsCheck | null; rows: TensorRow[] } {
  const rows = (dtypeOf: (name: string) => string | null) =>
    specs.map(({ name, shape }) => ({ name, shape, dtype: dtypeOf(name) }));
  if (file === undefined) return { check: null, rows: rows(() => null) };
  let source: TensorSource | undefined;
  try {
    source = openTensors(file);
    const located = locateTensors(specs, [source], [file]);
    const dtypeOf = (name: string) => {
      const found = located.get(name);
      return found ? found.source.info(found.key).dtype : null;
    };
    return { check: { file, problem: null }, rows: rows(dtypeOf) };
  } catch (error) {
    if (!(error instanceof WeightsError || error instanceof SafetensorsError)) throw error;
    return { check: { file, problem: error.message }, rows: rows(() => null) };
  } finally {
    source?.close();
  }
}
