import { CODE_BLOCK } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import { loraModules, type ModelConfig, modelTensors, type TensorSpec, updateSize } from '../model/index.js';
import { type MemoryNeeds, type MemoryPlan, PUBLISHED_NEEDS, trainingPlan } from '../plan/index.js';
import { openTensors } from '../tensor-io/index.js';
import type { BaseModel } from './base-model.js';
import { countWeights, pictureTokens, USUAL_PROMPT } from './stage-work.js';

/** Bytes of the two moments of a weight; 8-bit codes have a scale per block beside them. */
const MOMENT_BYTES = { float32: 8, bf16: 4, int8: 2 * (1 + 4 / CODE_BLOCK) };

/** Weights that a stage trains. @param learns which modules of an adapter, by published name */
export function trainedWeights(
  { mode, parts, lora }: TrainConfig['sft']['train'],
  adapted: boolean,
  learns: (module: string) => boolean,
  model: ModelConfig,
): number {
  const specs = modelTensors(model);
  if (adapted) {
    const settings = { targets: { und: lora.und, gen: lora.gen } };
    const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
    return loraModules(settings, model.llm.layers)
      .filter(learns)
      .reduce((sum, module) => {
        const [out, input] = shapes.get(`${module}.weight`)!;
        return sum + updateSize(lora, out!, input!);
      }, 0);
  }
  const variables = specs.filter(({ init }) => init.kind !== 'table');
  const named = ({ name }: TensorSpec) => mode !== 'parts' || parts.some((part) => name.includes(part));
  return countWeights(variables.filter(named));
}

/** Tokens of the largest pass of Character-GRPO: pictures that go through the model together, and their prompt. */
export function grpoPassTokens({ grpo }: TrainConfig, model: ModelConfig): number {
  const branches = grpo.sampling.guidance > 1 ? 2 : 1;
  return Math.min(grpo.imagesPerPass, grpo.groupSize) * branches * pictureTokens(model) + USUAL_PROMPT;
}

/** Peak memory of a stage. @param pass.tokens of its largest pass */
export function stageMemory(
  stage: Pick<TrainConfig['grpo'], 'activationCheckpointing' | 'emaDecay' | 'optimizer' | 'train'>,
  pass: { purpose: 'LoRA-SFT' | 'Character-GRPO'; adapted: boolean; trained: number; tokens: number },
  { base, model, precision }: { base: BaseModel; model: ModelConfig; precision: TrainConfig['precision'] },
): MemoryPlan {
  const { purpose, adapted, trained, tokens } = pass;
  const needs: MemoryNeeds = {
    ...PUBLISHED_NEEDS,
    weights: storedType(base),
    products: precision,
    activationCheckpointing: stage.activationCheckpointing,
  };
  return trainingPlan(model, needs, {
    purpose: adapted || purpose === 'Character-GRPO' ? purpose : 'full SFT',
    trains: adapted ? 'adapter' : 'model',
    adapter: adapted ? trained : 0,
    tokens,
    moments: MOMENT_BYTES[stage.optimizer.state],
    means: stage.emaDecay > 0,
    dora: adapted && stage.train.lora.dora,
  });
}

/** How the weights of a base are stored; a run without weights begins in float32. */
function storedType({ weights }: BaseModel): MemoryNeeds['weights'] {
  if (weights === undefined) return 'float32';
  const file = openTensors(weights);
  try {
    const [first] = file.names();
    return first !== undefined && file.info(first).dtype === 'BF16' ? 'bfloat16' : 'float32';
  } finally {
    file.close();
  }
}
