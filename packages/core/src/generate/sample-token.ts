import { type RandomKey, randomUniform, tf } from '@unicharacter/native';

/** How a token is chosen from logits (spec 5.6). */
export interface SamplingOptions {
  /** 0 (the default) takes the likeliest token; otherwise logits are divided by it. */
  readonly temperature?: number;
  /** Sample only from the likeliest tokens that together have this probability; 1 (the default) is all. */
  readonly topP?: number;
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

/** Greedy, or a draw from softmax(logits / temperature) restricted to the top-p nucleus; deterministic in the key. */
export function chooseToken(
  logits: Float32Array,
  { temperature = 0, topP = 1 }: SamplingOptions,
  key: RandomKey,
): number {
  const best = likeliest(logits);
  if (temperature <= 0) return best;
  const top = logits[best] as number;
  const weights = Float64Array.from(logits, (value) => Math.exp((value - top) / temperature));
  const order = topP < 1 ? nucleus(weights, topP) : Array.from(weights.keys());
  const total = order.reduce((sum, i) => sum + (weights[i] as number), 0);
  const uniform = tf.tidy(() => randomUniform([1], key).dataSync()[0] as number);
  let left = uniform * total;
  for (const i of order) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return order.at(-1) as number;
}

/** Log-probability of a token and of the `count` likeliest under softmax(logits): before temperature and nucleus. */
export function tokenProbabilities(
  logits: Float32Array,
  id: number,
  count: number,
): Required<Pick<ChosenToken, 'logprob' | 'top'>> {
  const top = logits[likeliest(logits)] as number;
  const logTotal = top + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0));
  const logprob = (i: number) => (logits[i] as number) - logTotal;
  const order = count === 0 ? [] : byWeight(Array.from(logits.keys()), logits).slice(0, count);
  return { logprob: logprob(id), top: order.map((i) => ({ id: i, logprob: logprob(i) })) };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}

/** The smallest set of likeliest entries that holds the share `topP` of all weight. */
function nucleus(weights: Float64Array, topP: number): number[] {
  const total = weights.reduce((sum, w) => sum + w, 0);
  // All entries below this together weigh less than what the nucleus leaves out, so it does not need them.
  const least = ((1 - topP) * total) / weights.length;
  const candidates: number[] = [];
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) >= least) candidates.push(i);
  const order = byWeight(candidates, weights);
  let held = 0;
  let count = 0;
  while (count < order.length && held < topP * total) held += weights[order[count++] as number] as number;
  return order.slice(0, Math.max(1, count));
}

const byWeight = (ids: number[], weights: ArrayLike<number>): number[] =>
  ids.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
