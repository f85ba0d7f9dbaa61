import { KeyedRandom } from '../random/keyed-random.js';

/** Random stream of the resamples. */
const STREAM = 403;
const RESAMPLES = 2000;
const LEVEL = 0.95;

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Number of values. */
  readonly n: number;
}

/**
 * Mean with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13): quantiles of the means of 2000
 * resamples with replacement. The same values and seed give the same interval. Of one value the interval is that value.
 *
 * @throws RangeError without values
 */
export function bootstrapMean(values: readonly number[], seed: number): Interval {
  const n = values.length;
  if (n === 0) throw new RangeError('a mean needs at least one value');
  const meanOf = (at: (i: number) => number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[at(i)]!;
    return sum / n;
  };
  const random = new KeyedRandom(seed, STREAM, [0]);
  const means = Float64Array.from({ length: RESAMPLES }, () => meanOf(() => random.integer(n))).sort();
  const quantile = (q: number) => means[Math.min(RESAMPLES - 1, Math.max(0, Math.round(q * RESAMPLES) - 1))]!;
  const tail = (1 - LEVEL) / 2;
  return { mean: meanOf((i) => i), low: quantile(tail), high: quantile(1 - tail), n };
}
