import type { ModelConfig } from '../model/index.js';
import { cacheBytes, decodeBytes, type ElementBytes, layerBytes, unscaledBytes } from './activations.js';
import { countModelParts, countVaeParts, totalOf } from './parts.js';

/** What a plan is made for. */
export interface MemoryNeeds {
  /** Size of pictures in pixels. */
  readonly width: number;
  readonly height: number;
  /** Tokens of a request or prompt. */
  readonly promptTokens: number;
  /** Tokens of a training row. */
  readonly tokensPerPack: number;
  /** Type of frozen weights, as stored in the checkpoint. */
  readonly weights: 'bfloat16' | 'float32';
  /** Type of matrix products. */
  readonly products: 'bf16' | 'float32';
  readonly loraRank: number;
  /** Keep only layer inputs in training and compute each layer again in the backward pass. */
  readonly activationCheckpointing: boolean;
  /** Pictures of a Character-GRPO update that are differentiated at a time. */
  readonly grpoPictures: number;
}

/** Published training settings (spec 6.1, 7.2). */
export const PUBLISHED_NEEDS: MemoryNeeds = {
  width: 1024,
  height: 1024,
  promptTokens: 512,
  tokensPerPack: 8192,
  weights: 'bfloat16',
  products: 'bf16',
  loraRank: 64,
  activationCheckpointing: true,
  grpoPictures: 1,
};

export const PURPOSES = ['inference', 'LoRA-SFT', 'full SFT', 'Character-GRPO'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Peak memory of tensors for one purpose, by what it is spent on; bytes. */
export interface MemoryPlan {
  readonly purpose: Purpose;
  /** Weights of model and autoencoder, adapters and kept panels of frozen matrices included. */
  readonly weights: number;
  /** Gradients of what is trained. */
  readonly gradients: number;
  /** The two moments of AdamW. */
  readonly optimizer: number;
  /** Keys and values of contexts. */
  readonly cache: number;
  /** Intermediate results at the fullest moment. */
  readonly activations: number;
  /** The peak. Not the sum: gradients grow while kept activations go. */
  readonly total: number;
}

const FLOAT = 4;

/** Plans for all purposes. */
export function memoryPlans(config: ModelConfig, needs: MemoryNeeds): MemoryPlan[] {
  return [
    inferencePlan(config, needs),
    publishedTraining('LoRA-SFT', config, needs),
    publishedTraining('full SFT', config, needs),
    publishedTraining('Character-GRPO', config, needs),
  ];
}

const elementBytes = (needs: MemoryNeeds): ElementBytes => ({
  product: needs.products === 'bf16' ? 2 : 4,
  residual: needs.products === 'bf16' && needs.weights === 'bfloat16' ? 2 : 4,
});

const storedBytes = ({ weights }: MemoryNeeds) => (weights === 'bfloat16' ? 2 : FLOAT);

function weightCounts(config: ModelConfig) {
  const parts = countModelParts(config);
  const of = (part: string) => parts.find((entry) => entry.part === part)?.parameters ?? 0;
  return {
    model: totalOf('', parts).parameters,
    vae: totalOf('', countVaeParts(config)).parameters,
    tables: of('position tables'),
    generation: of('generation expert'),
    embeddings: of('text embeddings'),
    head: of('output head'),
  };
}

const pictureTokens = ({ latent }: ModelConfig, { width, height }: MemoryNeeds) =>
  Math.floor(width / latent.pixels) * Math.floor(height / latent.pixels) + 2;

/** A picture for a prompt: three contexts, denoising, decoding (spec 5.2, 5.3). */
function inferencePlan(config: ModelConfig, needs: MemoryNeeds): MemoryPlan {
  const { llm, vae } = config;
  const count = weightCounts(config);
  const bytes = elementBytes(needs);
  const weights = count.model * storedBytes(needs) + count.vae * FLOAT;
  // The prompt stands in the main context and in the one without images; the one without text is empty.
  const cache = cacheBytes(llm, 2 * needs.promptTokens, needs.products === 'bf16' ? 2 : FLOAT);
  const denoising = layerBytes(llm, pictureTokens(config, needs), bytes);
  const reading = layerBytes(llm, needs.promptTokens, bytes);
  const activations = Math.max(denoising, reading, decodeBytes(vae, needs.width, needs.height));
  const total = weights + cache + activations;
  return { purpose: 'inference', weights, gradients: 0, optimizer: 0, cache, activations, total };
}

/** Rank times the two widths of every projection of both experts. */
function adapterWeights({ llm }: ModelConfig, rank: number): number {
  const { hiddenSize: d, intermediateSize: i, kvHeads, headDim } = llm;
  const kv = kvHeads * headDim;
  return 2 * llm.layers * rank * (2 * (d + d) + 2 * (d + kv) + 3 * (d + i));
}

/** What of the model a stage trains: an adapter beside it, all of it, or the generation expert. */
export type TrainedPart = 'adapter' | 'model' | 'generation expert';

/** What sets the memory of training apart from that of the other purposes. */
export interface TrainingNeeds {
  readonly purpose: Purpose;
  readonly trains: TrainedPart;
  /** Weights of an adapter; 0 without. */
  readonly adapter: number;
  /** Tokens of the largest pass. */
  readonly tokens: number;
  /** Bytes that the optimizer keeps for a weight; two float32 moments unless told. */
  readonly moments?: number;
  /** Running means of what is trained are kept. */
  readonly means?: boolean;
  /** The adapter is weight-decomposed (DoRA). */
  readonly dora?: boolean;
}

const PUBLISHED_TRAINING = {
  'LoRA-SFT': 'adapter',
  'full SFT': 'model',
  'Character-GRPO': 'generation expert',
} as const;

function publishedTraining(
  purpose: keyof typeof PUBLISHED_TRAINING,
  config: ModelConfig,
  needs: MemoryNeeds,
): MemoryPlan {
  const trains = PUBLISHED_TRAINING[purpose];
  const group = needs.grpoPictures * (2 * pictureTokens(config, needs) + needs.promptTokens);
  return trainingPlan(config, needs, {
    purpose,
    trains,
    adapter: trains === 'adapter' ? adapterWeights(config, needs.loraRank) : 0,
    tokens: purpose === 'Character-GRPO' ? group : needs.tokensPerPack,
  });
}

/**
 * A backward pass walks the layers from the last to the first: gradients come, kept activations go. The peak is the
 * fullest moment of that walk; weights and moments are there all the time.
 */
export function trainingPlan(config: ModelConfig, needs: MemoryNeeds, training: TrainingNeeds): MemoryPlan {
  const { purpose, trains, adapter, tokens, moments = 2 * FLOAT, means = false, dora = false } = training;
  const { llm } = config;
  const count = weightCounts(config);
  const bytes = elementBytes(needs);
  const whole = count.model - count.tables;
  const trained = { adapter, model: whole, 'generation expert': count.generation }[trains];
  const frozen = count.model + adapter - trained;
  const matrices = count.model - count.tables - count.embeddings + adapter - trained;
  const panels = keptPanels(trains, needs, matrices);
  const weights =
    trained * FLOAT * (means ? 2 : 1) + frozen * storedBytes(needs) + count.vae * FLOAT + panels;
  const optimizer = Math.ceil(trained * moments);
  const gradients = trained * FLOAT;
  const layer = layerBytes(llm, tokens, bytes) + (dora ? unscaledBytes(llm, tokens, bytes) : 0);
  const kept = needs.activationCheckpointing ? tokens * llm.hiddenSize * bytes.residual : layer;
  const perLayer = layerGradients(trains, config, trained) * FLOAT;
  const first = trains === 'model' ? count.head * FLOAT : 0;
  let activations = 0;
  let most = gradients;
  for (let done = 0; done < llm.layers; done++) {
    const held = (llm.layers - done) * kept + BACKWARD_FACTOR * layer;
    const moment = first + done * perLayer + held;
    if (moment > most) most = moment;
    activations = Math.max(activations, held);
  }
  return { purpose, weights, gradients, optimizer, cache: 0, activations, total: weights + optimizer + most };
}

/**
 * Results and gradients of a layer that is being differentiated, relative to its results alone. An estimate that holds
 * within a tenth on nano and on a mid-size model (`plan.test.ts`).
 */
const BACKWARD_FACTOR = 1.5;

/** Frozen matrices that the native backend keeps in the order of its bf16 products, at most (kept_panels.h). */
const KEPT_PANELS = 256 * 2 ** 20;

/** Bytes of kept panels: frozen matrices are used unchanged step after step. */
function keptPanels(trains: TrainedPart, needs: MemoryNeeds, frozen: number): number {
  if (trains === 'model' || needs.products !== 'bf16') return 0;
  return Math.min(KEPT_PANELS, 2 * frozen);
}

function layerGradients(trains: TrainedPart, { llm }: ModelConfig, trained: number): number {
  if (trains !== 'model') return trained / llm.layers;
  const { hiddenSize: d, intermediateSize: i, kvHeads, headDim } = llm;
  return 2 * (2 * d * d + 2 * d * kvHeads * headDim + 3 * d * i);
}
