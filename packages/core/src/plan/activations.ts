/**
 * Memory of intermediate results, from what the code keeps alive at its fullest moments. All sizes in bytes.
 */
import type { LanguageModelConfig, VaeConfig } from '../model/index.js';

/** How many bytes an element of a matrix product's result and of the residual stream takes. */
export interface ElementBytes {
  readonly product: 2 | 4;
  readonly residual: 2 | 4;
}

/**
 * What one layer of the language model holds for `tokens` tokens before it returns: input, middle and output of the
 * residual stream; ten results as wide as the model (norms, q, attention and their copies), six of key width, three of the
 * MLP (see `MotTransformer`).
 */
export function layerBytes(
  { hiddenSize, intermediateSize, kvHeads, headDim }: LanguageModelConfig,
  tokens: number,
  { product, residual }: ElementBytes,
): number {
  const products = 10 * hiddenSize + 6 * kvHeads * headDim + 3 * intermediateSize;
  return tokens * (3 * residual * hiddenSize + product * products);
}

/**
 * What weight-decomposed adapters (DoRA) hold on top: the result of each projection before its columns are scaled, seven of
 * them. An upper bound where only some projections are updated.
 */
export function unscaledBytes(
  { hiddenSize, intermediateSize, kvHeads, headDim }: LanguageModelConfig,
  tokens: number,
  { product }: ElementBytes,
): number {
  return tokens * product * (3 * hiddenSize + 2 * kvHeads * headDim + 2 * intermediateSize);
}

/** Keys and values of `tokens` cached tokens, in whole pages. */
export function cacheBytes(
  { layers, kvHeads, headDim }: LanguageModelConfig,
  tokens: number,
  elementBytes: number,
  page = 64,
): number {
  return Math.ceil(tokens / page) * page * 2 * layers * kvHeads * headDim * elementBytes;
}

const FLOAT = 4;

/** The fullest moment of a residual block: norm and convolution results beside input and output, see `FlowVae`. */
const blockChannels = (input: number, output: number) => Math.max(2 * input + 2 * output, input + 4 * output);

/** Rows of the middle attention's scores that exist at a time, see `FlowVae`. */
const ATTENTION_ROWS = 2048;

/** Decoding a picture of width × height pixels, in float32. */
export function decodeBytes(vae: VaeConfig, width: number, height: number): number {
  const widths = vae.channelMultipliers.map((m) => m * vae.channels);
  const deepest = widths.at(-1) as number;
  const cells = (width * height) / vae.downsample ** 2;
  const rows = Math.min(cells, ATTENTION_ROWS);
  let most = Math.max(cells * blockChannels(deepest, deepest), 7 * cells * deepest + 3 * rows * cells);
  let input = deepest;
  for (let level = widths.length - 1; level >= 0; level--) {
    const area = (width * height) / 4 ** level;
    const output = widths[level] as number;
    most = Math.max(most, area * blockChannels(input, output), area * blockChannels(output, output));
    // Upsampling to the next level: the input, its enlarged copy, the convolution before and after the bias.
    if (level > 0) most = Math.max(most, area * output * (1 + 3 * 4));
    input = output;
  }
  return FLOAT * most;
}
