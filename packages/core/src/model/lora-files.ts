import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { openSafetensors, replaceFileWith, type TensorSource, writeSafetensors } from '../tensor-io/index.js';
import { type Expert, layerNames } from './checkpoint-names.js';
import { JsonFields } from './json-fields.js';
import { WeightsError } from './locate-tensors.js';
import { LoraAdapter, type LoraTarget, mergedWeight, type UpdateTensors } from './lora.js';
import { LORA_PROJECTIONS } from './lora-settings.js';
import { type AdapterPart, parsePeftName } from './peft-names.js';
import type { UnifiedModel } from './unified-model.js';

/** File names of an adapter, those of PEFT. */
export const ADAPTER_FILE = 'adapter_model.safetensors';
export const ADAPTER_CONFIG = 'adapter_config.json';

/**
 * Writes an adapter as PEFT does: `adapter_model.safetensors` and `adapter_config.json`.
 *
 * @param base name or path of the base model, for the reader
 * @param values other tensors under the adapter's names (a running mean) instead of the adapter's own
 */
export function saveAdapter(
  folder: string,
  adapter: LoraAdapter,
  base: string,
  values: ReadonlyMap<string, tf.Tensor> = adapter.variables(),
): void {
  const stored = [...values].map(([name, tensor]) => ({
    name,
    dtype: 'F32' as const,
    shape: tensor.shape,
    get data(): Float32Array {
      return tensor.dataSync<'float32'>();
    },
  }));
  writeSafetensors(join(folder, ADAPTER_FILE), stored, { format: 'pt' });
  replaceFileWith(join(folder, ADAPTER_CONFIG), `${JSON.stringify(peftConfig(adapter, base), null, 2)}\n`);
}

/** What PEFT needs to know of the adapter. Modules are a pattern: names of both experts end alike. */
function peftConfig({ settings }: LoraAdapter, base: string): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    task_type: null,
    base_model_name_or_path: base,
    r: settings.rank,
    lora_alpha: settings.alpha,
    lora_dropout: 0,
    use_rslora: settings.rankStabilised,
    use_dora: settings.dora,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
    target_modules: targetPattern(settings.targets),
  };
}

/** A regular expression for the full names of all updated modules. */
function targetPattern(targets: LoraAdapter['settings']['targets']): string {
  const [layer] = layerNames(0, 'und').q.split('0.self_attn');
  const experts: readonly Expert[] = ['und', 'gen'];
  const inLayer = experts.flatMap((expert) =>
    targets[expert].map((projection) => layerNames(0, expert)[projection].slice(`${layer}0.`.length)),
  );
  const escaped = (text: string) => text.replaceAll('.', '\\.');
  return `${escaped(layer!)}\\d+\\.(${inLayer.map(escaped).join('|')})`;
}

/**
 * Reads an adapter that was written here or by PEFT.
 *
 * @param targets shapes of all modules that can be updated, by published name
 * @throws WeightsError naming every tensor that does not fit; ModelConfigError for a feature that is not supported
 */
export function loadAdapter(folder: string, targets: ReadonlyMap<string, LoraTarget>): LoraAdapter {
  const fields = JsonFields.fromFile(join(folder, ADAPTER_CONFIG));
  fields.mustBe('peft_type', ['LORA']);
  fields.mustBe('use_dora', [false, true]);
  fields.mustBe('bias', ['none']);
  fields.mustBe('use_rslora', [false, true]);
  const rank = fields.count('r');
  const dora = fields.is('use_dora', true);
  const file = openSafetensors(join(folder, ADAPTER_FILE));
  try {
    const modules = checkedModules(file, join(folder, ADAPTER_FILE), { rank, dora }, targets);
    const settings = {
      rank,
      alpha: fields.number('lora_alpha'),
      rankStabilised: fields.is('use_rslora', true),
      dora,
      targets: { und: projectionsOf(modules, 'und'), gen: projectionsOf(modules, 'gen') },
    };
    const read = (name: string) =>
      tf.tidy(() => tf.variable(tf.tensor(file.readFloat32(name), [...file.info(name).shape])));
    const tensors = [...modules].map(([module, { A, B, magnitude }]): [string, UpdateTensors] => [
      module,
      { A: read(A!), B: read(B!), ...(magnitude !== undefined && { magnitude: read(magnitude) }) },
    ]);
    return new LoraAdapter(settings, new Map(tensors));
  } finally {
    file.close();
  }
}

/**
 * Writes a model with the adapter in use merged into its weights, summed in float32: a checkpoint in the published layout
 * that needs no adapter. One tensor is on the host at a time.
 */
export function saveMerged(model: UnifiedModel, path: string, dtype: 'F32' | 'BF16' = 'F32'): void {
  const { adapter } = model;
  const stored = [...model.tensors()].map(([name, variable]) => ({
    name,
    dtype,
    shape: variable.shape,
    get data(): Float32Array {
      const update = adapter?.update(name.replace(/\.weight$/, ''));
      if (!update) return variable.dataSync<'float32'>();
      const merged = mergedWeight(variable as tf.Tensor2D, update);
      try {
        return merged.dataSync<'float32'>();
      } finally {
        merged.dispose();
      }
    },
  }));
  writeSafetensors(path, stored, { format: 'pt' });
}

type Parts = Partial<Record<AdapterPart, string>>;

function checkedModules(
  file: TensorSource,
  path: string,
  { rank, dora }: { rank: number; dora: boolean },
  targets: ReadonlyMap<string, LoraTarget>,
): Map<string, Parts> {
  const modules = new Map<string, Parts>();
  const problems: string[] = [];
  for (const name of file.names()) {
    const parsed = parsePeftName(name);
    const target = parsed && targets.get(parsed.module);
    if (!parsed || !target) {
      problems.push(`${name}: the model has no such projection`);
      continue;
    }
    const expected = { A: [rank, target.in], B: [target.out, rank], magnitude: [target.out] }[parsed.part];
    const { shape } = file.info(name);
    if (shape.join() !== expected.join()) problems.push(`${name}: expected [${expected}], found [${shape}]`);
    modules.set(parsed.module, { ...modules.get(parsed.module), [parsed.part]: name });
  }
  const wanted: AdapterPart[] = dora ? ['A', 'B', 'magnitude'] : ['A', 'B'];
  for (const [module, parts] of modules) {
    const missing = wanted.filter((part) => parts[part] === undefined);
    if (missing.length > 0) problems.push(`${module}: no tensor for ${missing.join(' and ')}`);
    if (!dora && parts.magnitude !== undefined) problems.push(`${parts.magnitude}: use_dora is false`);
  }
  if (problems.length === 0) return modules;
  throw new WeightsError(
    `${path}: the adapter does not fit the model:\n  ${problems.join('\n  ')}\n` +
      'Check that adapter and base model belong together.',
  );
}

function projectionsOf(modules: ReadonlyMap<string, Parts>, expert: Expert) {
  const layerOf = (module: string) => Number(/\.layers\.(\d+)\./.exec(module)?.[1]);
  return LORA_PROJECTIONS.filter((projection) =>
    [...modules.keys()].some((module) => layerNames(layerOf(module), expert)[projection] === module),
  );
}
