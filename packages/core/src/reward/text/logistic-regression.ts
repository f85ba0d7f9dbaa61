import type { SparseVector } from './hashed-ngrams.js';

export interface LogisticOptions {
  /** Weight of the squared norm of the coefficients in the loss. */
  readonly l2: number;
  readonly iterations: number;
}

/** Linear scores of classes, turned into probabilities by a softmax. */
export interface LogisticModel {
  /** [classes] probabilities of a vector. */
  probabilities(x: SparseVector): Float64Array;
}

/**
 * Multinomial logistic regression on sparse unit vectors, every class with the same total weight however many examples it
 * has. Deterministic: full-batch gradient steps with Nesterov's acceleration from zero; the step is 1 over the curvature
 * bound 1 + l2 of unit vectors with a bias (half the squared norm; Böhning 1992).
 *
 * @param labels class of each vector, 0 … classes − 1; every class must occur
 */
export function fitLogistic(
  vectors: readonly SparseVector[],
  labels: readonly number[],
  classes: number,
  { l2, iterations }: LogisticOptions,
): LogisticModel {
  const places = compactPlaces(vectors);
  const rows = vectors.map(({ indices, values }) => ({
    at: Uint32Array.from(indices, (i) => places.get(i)!),
    values,
  }));
  const weights = classWeights(labels, classes);
  const size = (places.size + 1) * classes;
  const bias = places.size * classes;
  let current = new Float64Array(size);
  let previous = new Float64Array(size);
  const step = 1 / (1 + l2);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const momentum = iteration / (iteration + 3);
    const ahead = current.map((value, i) => value + momentum * (value - previous[i]!));
    const gradient = ahead.map((value, i) => (i < bias ? l2 * value : 0));
    rows.forEach((row, n) => {
      const errors = softmax(scores(ahead, row.at, row.values, classes, bias));
      errors[labels[n]!]! -= 1;
      for (let c = 0; c < classes; c++) {
        const error = errors[c]! * weights[n]!;
        gradient[bias + c]! += error;
        for (let k = 0; k < row.at.length; k++) gradient[row.at[k]! * classes + c]! += error * row.values[k]!;
      }
    });
    previous = current;
    current = ahead.map((value, i) => value - step * gradient[i]!);
  }
  const fitted = current;
  return {
    probabilities({ indices, values }) {
      // A place that no example has says nothing.
      const known = Array.from(indices.keys()).filter((k) => places.has(indices[k]!));
      const at = Uint32Array.from(known, (k) => places.get(indices[k]!)!);
      const kept = Float64Array.from(known, (k) => values[k]!);
      return softmax(scores(fitted, at, kept, classes, bias));
    },
  };
}

function compactPlaces(vectors: readonly SparseVector[]): Map<number, number> {
  const places = new Map<number, number>();
  for (const { indices } of vectors) {
    for (const index of indices) if (!places.has(index)) places.set(index, places.size);
  }
  return places;
}

/** Weight of each example, so that every class weighs 1/classes together. */
function classWeights(labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return labels.map((label) => 1 / (classes * counts[label]!));
}

function scores(
  coefficients: Float64Array,
  at: Uint32Array,
  values: Float64Array,
  classes: number,
  bias: number,
): Float64Array {
  const sums = coefficients.slice(bias, bias + classes);
  for (let k = 0; k < at.length; k++) {
    const base = at[k]! * classes;
    for (let c = 0; c < classes; c++) sums[c]! += coefficients[base + c]! * values[k]!;
  }
  return sums;
}

function softmax(values: Float64Array): Float64Array {
  const largest = Math.max(...values);
  const exponents = values.map((value) => Math.exp(value - largest));
  const sum = exponents.reduce((total, value) => total + value, 0);
  return exponents.map((value) => value / sum);
}
