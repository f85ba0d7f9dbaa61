import { selectBackend, tf } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import {
  loadModelConfig,
  type ModelConfig,
  modelTensors,
  type TensorSpec,
  vaeTensors,
} from '../model/index.js';

/** What a training run is going to take. */
export interface TrainingEstimate {
  /** Weights of the unified model. */
  parameters: number;
  /** Weights of the autoencoder. */
  vaeParameters: number;
  /** Peak of weights, gradients, optimizer state and kept activations. */
  memoryBytes: number;
  /** Wall-clock seconds of both stages on this machine. */
  seconds: number;
}

const FLOAT_BYTES = 4;
/** Weight, gradient and the two moments of AdamW. */
const COPIES_OF_WEIGHTS = 4;
/** A product and its two gradients, each a multiplication and an addition per weight. */
const OPERATIONS_PER_WEIGHT = 6;
/** The share of one large product's speed that the steps of a whole model reach. */
const STEP_EFFICIENCY = 0.35;

/**
 * Memory and time of a training run, before it begins. The speed of the machine is measured with a matrix product that
 * takes some hundredths of a second; expect the time to be right within a factor of two or three.
 * @throws ModelConfigError when the JSON files of the base model cannot be read
 */
export async function estimateTraining(config: TrainConfig): Promise<TrainingEstimate> {
  const model = loadModelConfig(config.base);
  const specs = modelTensors(model);
  const parameters = countWeights(specs);
  const operations = sftOperations(config, specs) + vaeOperations(config, model);
  return {
    parameters,
    vaeParameters: countWeights(vaeTensors(model.vae)),
    memoryBytes: memoryOf(config, model, parameters),
    seconds: operations / (STEP_EFFICIENCY * (await productSpeed())),
  };
}

/** Floating-point weights of all tensors together. */
export function countWeights(specs: readonly TensorSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** A token passes one of the two experts: half of the layers' weights. The tables are looked up, not multiplied. */
function sftOperations({ sft }: TrainConfig, specs: readonly TensorSpec[]): number {
  const layers = countWeights(specs.filter(({ name }) => name.includes('.layers.')));
  const head = countWeights(specs.filter(({ name }) => name.includes('lm_head')));
  return OPERATIONS_PER_WEIGHT * sft.steps * sft.tokensPerPack * (layers / 2 + head);
}

/** Convolutions use each weight once per position of their level; deeper levels have a quarter of the positions. */
function vaeOperations({ vae }: TrainConfig, { vae: model }: ModelConfig): number {
  const deepest = model.channelMultipliers.length - 1;
  const perImage = vaeTensors(model).reduce((sum, { name, shape }) => {
    const outer =
      /conv_in|conv_out|norm_out/.test(name) && name.startsWith('encoder') === name.includes('conv_in');
    const level = outer ? 0 : Number(/\.(?:down|up)\.(\d+)\./.exec(name)?.[1] ?? deepest);
    return sum + sizeOf(shape) * (vae.crop / 2 ** level) ** 2;
  }, 0);
  return OPERATIONS_PER_WEIGHT * vae.steps * vae.batchSize * perImage;
}

/** The stages run one after the other and the autoencoder is much smaller, so Unified-SFT sets the peak. */
function memoryOf({ sft }: TrainConfig, { llm }: ModelConfig, parameters: number): number {
  const copies = COPIES_OF_WEIGHTS + (sft.emaDecay > 0 ? 1 : 0);
  const heads = (2 * llm.heads + 2 * llm.kvHeads) * llm.headDim;
  const layerWidth = 6 * llm.hiddenSize + heads + 3 * llm.intermediateSize;
  const kept = sft.activationCheckpointing
    ? layerWidth + llm.layers * llm.hiddenSize
    : llm.layers * layerWidth;
  return FLOAT_BYTES * (copies * parameters + sft.tokensPerPack * kept);
}

/** Floating-point operations per second of a matrix product on the native backend. */
async function productSpeed(): Promise<number> {
  selectBackend('native');
  const side = 1024;
  const matrix = tf.ones([side, side]);
  const product = async (): Promise<void> => {
    const result = tf.matMul(matrix, matrix);
    await result.data();
    result.dispose();
  };
  await product();
  const started = performance.now();
  const repeats = 3;
  for (let repeat = 0; repeat < repeats; repeat++) await product();
  const seconds = (performance.now() - started) / 1000;
  matrix.dispose();
  return (2 * side ** 3 * repeats) / seconds;
}
