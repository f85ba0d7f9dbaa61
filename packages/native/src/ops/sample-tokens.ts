import * as tf from '../../lib/tfjs.mjs';
import { NativeBackend } from '../backend.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectThat } from './check.js';
import { runMany } from './dispatch.js';
import { checkKey, keyWords, philoxUniform, type RandomKey } from './philox.js';

/** How the token of one row is chosen. */
export interface TokenDraw {
  /** Only the first logits count, this many. */
  choices: number;
  /** 0 takes the likeliest token; otherwise logits are divided by it. */
  temperature: number;
  /** Draw only from the likeliest tokens that together have this probability; 1 is all. */
  topP: number;
  /** Of the one random number of the draw. */
  key: RandomKey;
  /** Also tell the probability of the token, and of this many of the likeliest; absent asks for none and costs nothing. */
  likeliest?: number;
}

/** A token and the natural logarithm of its probability. */
export interface TokenProbability {
  readonly id: number;
  readonly logprob: number;
}

/** A chosen token; with probabilities where they were asked for. */
export interface ChosenToken {
  readonly id: number;
  readonly logprob?: number;
  /** The likeliest tokens, first the likeliest. */
  readonly top?: readonly TokenProbability[];
}

/** What `sampleTokens` answers for one row; the reference of the tests, and the version of the other backends. */
export function composedSampleToken(logits: Float32Array, draw: TokenDraw): ChosenToken {
  const allowed = logits.subarray(0, draw.choices);
  const id = composedDraw(allowed, draw);
  return draw.likeliest === undefined ? { id } : withProbabilities(allowed, id, draw.likeliest);
}

function composedDraw(allowed: Float32Array, { temperature, topP, key }: TokenDraw): number {
  const best = likeliest(allowed);
  if (temperature <= 0) return best;
  const top = allowed[best] as number;
  const weights = Float64Array.from(allowed, (value) => Math.exp((value - top) / temperature));
  const members = topP < 1 ? nucleus(weights, topP) : Array.from(weights.keys());
  const total = members.reduce((sum, i) => sum + (weights[i] as number), 0);
  let left = (philoxUniform(1, key)[0] as number) * total;
  for (const i of members) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return members.at(-1) as number;
}

const likeliest = (logits: Float32Array): number =>
  logits.reduce((found, value, i) => (value > (logits[found] as number) ? i : found), 0);

/** A token and the `count` likeliest under softmax(logits): before temperature and nucleus. */
function withProbabilities(logits: Float32Array, id: number, count: number): ChosenToken {
  const top = logits[likeliest(logits)] as number;
  const logTotal = top + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0));
  const logprob = (i: number) => (logits[i] as number) - logTotal;
  const order = byWeight(logits).slice(0, count);
  return { id, logprob: logprob(id), top: order.map((i) => ({ id: i, logprob: logprob(i) })) };
}

/** Indices, the heaviest first, ties by the smaller one. */
const byWeight = (weights: Float32Array | Float64Array): number[] =>
  Array.from(weights.keys()).sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);

/** The smallest set of the heaviest entries that holds the share `topP` of all weight, in order of their indices. */
function nucleus(weights: Float64Array, topP: number): number[] {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const order = byWeight(weights);
  let held = 0;
  let count = 0;
  while (count < order.length && held < topP * total) held += weights[order[count++] as number] as number;
  return order.slice(0, Math.max(1, count)).sort((a, b) => a - b);
}

/**
 * Chooses the next token of each row of logits: the likeliest, or a draw from the nucleus of softmax(logits / temperature).
 * A row's token depends on its own logits and key alone.
 *
 * @param logits `[rows, vocabulary]`
 * @param draws one per row
 * @returns one token per row, with log-probabilities under softmax(logits) of the allowed choices (before temperature and
 *   nucleus) for the rows that ask for them. On a GPU the logits are read and the host chooses.
 * @throws Error when the shapes do not fit or a draw is out of its range
 */
export function sampleTokens(logits: tf.Tensor2D, draws: readonly TokenDraw[]): ChosenToken[] {
  expectThat(
    logits.rank === 2 && logits.shape[0] === draws.length,
    'sampleTokens',
    `logits [${draws.length}, vocabulary], one row per draw`,
    { logits },
  );
  for (const draw of draws) checkDraw(draw, logits.shape[1]);
  if (draws.length === 0) return [];
  const backend = tf.backend();
  if (backend instanceof NativeBackend && backend.device === 'cpu') return sampleNatively(logits, draws);
  const values = logits.dataSync() as Float32Array;
  const size = logits.shape[1];
  return draws.map((draw, i) => composedSampleToken(values.subarray(i * size, (i + 1) * size), draw));
}

function sampleNatively(logits: tf.Tensor2D, draws: readonly TokenDraw[]): ChosenToken[] {
  const [ids, logprobs] = runMany('SampleTokens', { logits }, { draws } as unknown as Record<
    string,
    number
  >).map((output) => {
    const values = output.dataSync();
    output.dispose();
    return values;
  }) as [Int32Array, Float32Array?];
  const width = ids.length / draws.length;
  return draws.map(({ likeliest }, row) => {
    const at = row * width;
    const token = (i: number) => ({ id: ids[at + i] as number, logprob: logprobs?.[at + i] as number });
    if (likeliest === undefined) return { id: token(0).id };
    return { ...token(0), top: Array.from({ length: likeliest }, (_, i) => token(i + 1)) };
  });
}

function checkDraw({ choices, temperature, topP, key, likeliest = 0 }: TokenDraw, vocabulary: number): void {
  checkKey('sampleTokens', key);
  if (!Number.isInteger(choices) || choices < 1 || choices > vocabulary)
    throw new Error(`sampleTokens: expected choices in [1, ${vocabulary}], found ${choices}`);
  if (!Number.isInteger(likeliest) || likeliest < 0 || likeliest > choices)
    throw new Error(`sampleTokens: expected likeliest in [0, ${choices}], found ${likeliest}`);
  if (!(temperature >= 0 && topP >= 0))
    throw new Error(
      `sampleTokens: expected temperature and topP of at least 0, found ${temperature} and ${topP}`,
    );
}

/** Ids and log-probabilities of a row: of the token itself, then of the likeliest; none for a row that asks for none. */
const widthOf = ({ likeliest }: TokenDraw): number => (likeliest === undefined ? 0 : 1 + likeliest);

/** Native kernel of `sampleTokens`; the C++ side is cpp/cpu/sample_tokens.cc. */
export const sampleTokensKernels: NativeKernel[] = [
  kernel<{ logits: tf.TensorInfo }, { draws: readonly TokenDraw[] }>(
    'SampleTokens',
    ({ inputs, attrs, backend }) => {
      const { draws } = attrs;
      const width = Math.max(...draws.map(widthOf));
      const call = backend.call('SampleTokens').tensor(inputs.logits).int(draws.length).int(width);
      for (const draw of draws) {
        call.int(draw.choices).int(widthOf(draw)).real(draw.temperature).real(draw.topP);
        for (const word of keyWords(draw.key)) call.int(word);
      }
      if (width === 0) return [call.output([draws.length, 1], 'int32')];
      const shape = [draws.length, width];
      return call.outputs([shape, shape], ['int32', 'float32']);
    },
  ),
];
