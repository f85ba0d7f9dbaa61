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

const byWeight = (ids: number[], weights: ArrayLike<number>): number[] =>
  ids.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
