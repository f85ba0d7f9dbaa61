/**
 * The inputs of every case, the same numbers in every process and language: a hash of the index, uniform in [low, high).
 * peers/pytorch.py and limits/values.h compute the same. After PERIOD numbers they repeat, which saves time.
 */
const PERIOD = 1_000_003;

function uniform(seed, index) {
  let x = (Math.imul(index, 0x9e3779b1) + Math.imul(seed + 1, 0x85ebca6b)) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return (x >>> 0) / 2 ** 32;
}

/**
 * @typedef {object} Input one input of a case
 * @property {number[]} shape
 * @property {'float32' | 'bf16' | 'int32'} dtype bf16: float32 numbers rounded to bf16
 * @property {[number, number]} [range] of float inputs; [-1, 1) when absent
 * @property {number} [group] of int32 inputs: value i is ⌊i / group⌋
 */

/** @param {Input} input @param {number} seed its place among the inputs of the case */
export function inputValues({ shape, dtype, range: [low, high] = [-1, 1], group }, seed) {
  const size = shape.reduce((a, b) => a * b, 1);
  if (dtype === 'int32') return Int32Array.from({ length: size }, (_, i) => Math.floor(i / group));
  const values = new Float32Array(size);
  const fresh = Math.min(size, PERIOD);
  for (let i = 0; i < fresh; i++) values[i] = low + (high - low) * uniform(seed, i);
  for (let at = fresh; at < size; at += fresh) values.set(values.subarray(0, Math.min(fresh, size - at)), at);
  return values;
}

export const SAMPLES = 64;

/** Values at evenly spaced places, by which results of different peers are compared. */
export function sampled(values) {
  return Array.from(
    { length: SAMPLES },
    (_, i) => values[Math.floor((i * (values.length - 1)) / (SAMPLES - 1))],
  );
}
