import * as tf from '../../lib/tfjs.mjs';
import { NativeBackend } from '../backend.js';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import { expectThat } from './check.js';
import { runOne } from './dispatch.js';
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
}

/** The ids of `sampleTokens` for one row; the reference of the tests, and the version of the other backends. */
export function composedSampleToken(
  logits: Float32Array,
  { choices, temperature, topP, key }: TokenDraw,
): number {
  const allowed = logits.subarray(0, choices);
  const best = allowed.reduce((found, value, i) => (value > (allowed[found] as number) ? i : found), 0);
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

/** The smallest set of the heaviest entries that holds the share `topP` of all weight, in order of their indices. */
function nucleus(weights: Float64Array, topP: number): number[] {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const order = Array.from(weights.keys()).sort(
    (a, b) => (weights[b] as number) - (weights[a] as number) || a - b,
  );
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
 * @returns the ids. On a GPU the logits are read and the host chooses.
 * @throws Error when the shapes do not fit or a draw is out of its range
 */
export function sampleTokens(logits: tf.Tensor2D, draws: readonly TokenDraw[]): Int32Array {
  expectThat(
    logits.rank === 2 && logits.shape[0] === draws.length,
    'sampleTokens',
    `logits [${draws.length}, vocabulary], one row per draw`,
    { logits },
  );
  for (const draw of draws) checkDraw(draw, logits.shape[1]);
  if (draws.length === 0) return new Int32Array();
  const backend = tf.backend();
  if (backend instanceof NativeBackend && backend.device === 'cpu') {
    const ids = runOne('SampleTokens', { logits }, { draws } as unknown as Record<string, number>);
    const values = ids.dataSync() as Int32Array;
    ids.dispose();
    return values;
  }
  const values = logits.dataSync() as Float32Array;
  const size = logits.shape[1];
  return Int32Array.from(draws, (draw, i) =>
    composedSampleToken(values.subarray(i * size, (i + 1) * size), draw),
  );
}

function checkDraw({ choices, temperature, topP, key }: TokenDraw, vocabulary: number): void {
  checkKey('sampleTokens', key);
  if (!Number.isInteger(choices) || choices < 1 || choices > vocabulary)
    throw new Error(`sampleTokens: expected choices in [1, ${vocabulary}], found ${choices}`);
  if (!(temperature >= 0 && topP >= 0))
    throw new Error(
      `sampleTokens: expected temperature and topP of at least 0, found ${temperature} and ${topP}`,
    );
}

/** Native kernel of `sampleTokens`; the C++ side is cpp/cpu/sample_tokens.cc. */
export const sampleTokensKernels: NativeKernel[] = [
  kernel<{ logits: tf.TensorInfo }, { draws: readonly TokenDraw[] }>(
    'SampleTokens',
    ({ inputs, attrs, backend }) => {
      const { draws } = attrs;
      const call = backend.call('SampleTokens').tensor(inputs.logits).int(draws.length);
      for (const { choices, key, temperature, topP } of draws) {
        call.int(choices).real(temperature).real(topP);
        for (const word of keyWords(key)) call.int(word);
      }
      return call.output([draws.length], 'int32');
    },
  ),
];
