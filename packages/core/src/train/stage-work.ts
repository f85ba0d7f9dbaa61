import type { TrainConfig } from '../config/index.js';
import { type ModelConfig, type TensorSpec, vaeTensors } from '../model/index.js';

/** What a stage makes a machine do, counted from the shapes of the model. */
export interface StageWork {
  /** Multiplications and additions of products and attention in steps that are learnt from. */
  readonly learning: number;
  /** Those of passes without gradients, convolutions included. */
  readonly drawing: number;
  /** Weights that are read to write text, token by token. */
  readonly weightReads: number;
}

/** What is trained, and how much of it has to be computed twice. */
export interface LearningMode {
  readonly trains: 'model' | 'adapter';
  readonly recompute?: boolean;
}

/** Tokens of a prompt where nobody has counted. */
export const USUAL_PROMPT = 64;

/** Floating-point weights of all tensors together. */
export function countWeights(specs: readonly TensorSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** Weights of the projections of one expert in all layers: what a token is multiplied with. */
function expertWeights({ llm }: ModelConfig): number {
  const { hiddenSize: d, intermediateSize: i, heads, kvHeads, headDim, layers } = llm;
  return layers * (2 * d * heads * headDim + 2 * d * kvHeads * headDim + 3 * d * i);
}

/** Weights that writing one token reads: the understanding expert and the output head. */
export const readWeights = (model: ModelConfig): number =>
  expertWeights(model) + model.llm.vocabSize * model.llm.hiddenSize;

/**
 * Operations of a forward pass for one token: two per weight, and two products with each key that it sees.
 * @param token.context keys that the token sees, on average
 * @param token.head whether its next token is predicted
 */
export function forwardOperations(model: ModelConfig, token: { context: number; head: boolean }): number {
  const { heads, headDim, layers, vocabSize, hiddenSize } = model.llm;
  const attention = 4 * token.context * heads * headDim * layers;
  return 2 * expertWeights(model) + attention + (token.head ? 2 * vocabSize * hiddenSize : 0);
}

/**
 * Passes as long as a forward pass that learning takes: the forward pass, the gradients of the inputs, and of the weights
 * where these are trained; with activation checkpointing one more.
 */
export const learningPasses = (trains: LearningMode['trains'], recompute = false): number =>
  (trains === 'adapter' ? 2 : 3) + (recompute ? 1 : 0);

/** Tokens of a picture of the default size, markers included. */
export function pictureTokens({ images, latent }: ModelConfig): number {
  const side = (pixels: number) => Math.floor(pixels / latent.pixels);
  return side(images.defaultSize.width) * side(images.defaultSize.height) + 2;
}

/**
 * Unified-SFT. Every token counts as predicting the next one: for pictures that is too much by the share of the output head.
 * @param tokensPerPack tokens of a pack; those of the configuration unless they have been counted
 */
export function sftWork(
  { sft }: TrainConfig,
  model: ModelConfig,
  mode: LearningMode,
  tokensPerPack = sft.tokensPerPack,
): StageWork {
  const tokens = sft.steps * sft.accumulation * tokensPerPack;
  const context = Math.min(tokensPerPack, pictureTokens(model) + USUAL_PROMPT) / 2;
  const forward = forwardOperations(model, { context, head: true });
  const learning = tokens * forward * learningPasses(mode.trains, mode.recompute);
  return { learning, drawing: 0, weightReads: 0 };
}

/** Character-GRPO: roll-outs, decoding, learning. Judging comes on top. */
export function grpoWork({ grpo }: TrainConfig, model: ModelConfig, mode: LearningMode): StageWork {
  const { sampling, window, innerEpochs, groupSize, anchor } = grpo;
  const groups = grpo.epochs * grpo.promptsPerEpoch;
  const tokens = pictureTokens(model);
  const branches = sampling.guidance > 1 ? 2 : 1;
  const forward =
    tokens * branches * forwardOperations(model, { context: tokens + USUAL_PROMPT, head: false });
  // With one beginning for all, a group is one picture until its window, whose middle is its usual place.
  const before = sampling.sameNoise ? (window.from + window.to - window.size) / 2 : 0;
  const drawn = groupSize * (sampling.steps - 1) - (groupSize - 1) * before;
  const passes = learningPasses(mode.trains, mode.recompute) + (anchor.kind === 'none' ? 0 : 1);
  const learnt = groupSize * window.size * innerEpochs * passes;
  const { width, height } = model.images.defaultSize;
  const decoding = groupSize * convolutionOperations(model, width * height, 'decoder');
  return {
    learning: groups * forward * learnt,
    drawing: groups * (forward * drawn + decoding),
    weightReads: 0,
  };
}

/** GRPO on replies: the replies of a group are written together, each token reading the weights once. */
export function textGrpoWork({ textGrpo }: TrainConfig, model: ModelConfig, mode: LearningMode): StageWork {
  const groups = textGrpo.epochs * textGrpo.promptsPerEpoch;
  const tokens = groups * textGrpo.groupSize * (USUAL_PROMPT + textGrpo.maxTokens);
  const passes = learningPasses(mode.trains) + (textGrpo.anchor.kind === 'none' ? 0 : 1);
  const forward = forwardOperations(model, { context: USUAL_PROMPT, head: true });
  return {
    learning: tokens * forward * textGrpo.innerEpochs * passes,
    drawing: 0,
    weightReads: groups * textGrpo.maxTokens * readWeights(model),
  };
}

/** The autoencoder: a forward pass, gradients of inputs and of weights. */
export function vaeWork({ vae }: TrainConfig, model: ModelConfig): StageWork {
  const perImage = convolutionOperations(model, vae.crop ** 2, 'both');
  return { learning: 3 * vae.steps * vae.batchSize * perImage, drawing: 0, weightReads: 0 };
}

/** Convolutions use each weight once per position of their level; deeper levels have a quarter of the positions. */
function convolutionOperations({ vae }: ModelConfig, pixels: number, half: 'decoder' | 'both'): number {
  const deepest = vae.channelMultipliers.length - 1;
  return vaeTensors(vae).reduce((sum, { name, shape }) => {
    if (half === 'decoder' && !name.startsWith('decoder')) return sum;
    const outer = name.startsWith('encoder') ? name.includes('conv_in') : /conv_out|norm_out/.test(name);
    const level = outer ? 0 : Number(/\.(?:down|up)\.(\d+)\./.exec(name)?.[1] ?? deepest);
    return sum + (2 * sizeOf(shape) * pixels) / 4 ** level;
  }, 0);
}
