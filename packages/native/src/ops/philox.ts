/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", §3.3) and its two distributions.
 *
 * Value i of a request depends only on (seed, stream, counter, i), so results do not depend on threads, device or batch
 * split. Block b = ⌊i/4⌋ has counter words (b, counter low, counter high, stream) and key words (seed low, seed high).
 * The normal transform uses only + − × ÷ √ in float64, in one fixed order, so JavaScript and C++ agree to the last bit.
 */

/** Names one stretch of the random sequence. */
export interface RandomKey {
  /** Integer in [0, 2⁵³). */
  seed: number;
  /** Purpose of the numbers, integer in [0, 2³²). */
  stream: number;
  /** Step or sample, integer in [0, 2⁵³). */
  counter: number;
}

const TWO_32 = 2 ** 32;

/** @throws Error when a part of the key is not an integer in its range */
export function checkKey(op: string, key: RandomKey): void {
  const limits = { seed: 2 ** 53, stream: TWO_32, counter: 2 ** 53 };
  for (const [name, limit] of Object.entries(limits)) {
    const value = key[name as keyof RandomKey];
    if (Number.isInteger(value) && value >= 0 && value < limit) continue;
    throw new Error(`${op}: expected key.${name} to be an integer in [0, ${limit}), found ${value}`);
  }
}

/** The key as the kernels read it: seed and counter as low and high words, then the stream. */
export function keyWords({ seed, stream, counter }: RandomKey): number[] {
  return [seed, counter].flatMap((value) => [value % TWO_32, Math.floor(value / TWO_32)]).concat(stream);
}

/** High and low word of a 32×32-bit product, by 16-bit halves (exact in float64). */
function highWord(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** Ten rounds over a counter of four 32-bit words and a key of two; the result replaces the counter. */
export function philoxRounds(counter: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = highWord(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = highWord(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  counter.set([c0, c1, c2, c3]);
}

/** Calls `use` with each block of four words. */
function forEachBlock(count: number, key: RandomKey, use: (words: Uint32Array, at: number) => void): void {
  const words = new Uint32Array(4);
  const low = key.counter % TWO_32;
  const high = Math.floor(key.counter / TWO_32);
  const key0 = key.seed % TWO_32;
  const key1 = Math.floor(key.seed / TWO_32);
  for (let at = 0; at < count; at += 4) {
    words.set([at / 4, low, high, key.stream]);
    philoxRounds(words, key0, key1);
    use(words, at);
  }
}

/** Uniform numbers in [0, 1) with 24 bits. */
export function philoxUniform(count: number, key: RandomKey): Float32Array {
  const out = new Float32Array(count);
  forEachBlock(count, key, (words, at) => {
    for (let j = 0; j < Math.min(4, count - at); j++) out[at + j] = (words[j]! >>> 8) / 2 ** 24;
  });
  return out;
}

/** −2·ln((word + 1)/2³²), by ln m = 2·artanh((m−1)/(m+1)) on m in [√½, √2]. */
function minusTwoLog(word: number): number {
  const n = word + 1;
  let exponent = n === TWO_32 ? 32 : 31 - Math.clz32(n);
  let m = n / 2 ** exponent;
  if (m > Math.SQRT2) {
    m = m * 0.5;
    exponent = exponent + 1;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let p = 1 / 15;
  for (const c of [1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1]) p = p * z + c;
  const logarithm = 2 * s * p + (exponent - 32) * Math.LN2;
  return -2 * logarithm;
}

const COSINE = [-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -0.5, 1];
const SINE = [-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1];

/** Standard normal numbers by Box–Muller: words (0, 1) and (2, 3) of a block make two numbers each. */
export function philoxNormal(count: number, key: RandomKey): Float32Array {
  const out = new Float32Array(count);
  forEachBlock(count, key, (words, at) => {
    for (let pair = 0; pair < 4 && at + pair < count; pair += 2) {
      const radius = Math.sqrt(minusTwoLog(words[pair]!));
      const turn = words[pair + 1]!;
      // The word is an angle in units of 2π/2³²: split off quarter turns, leaving [−π/4, π/4).
      const quarter = Math.floor((turn + 2 ** 29) / 2 ** 30);
      const angle = (turn - quarter * 2 ** 30) * 1.4629180792671596e-9;
      const z = angle * angle;
      let cosine = 1 / 479001600;
      for (const c of COSINE) cosine = cosine * z + c;
      let sine = 1 / 6227020800;
      for (const c of SINE) sine = sine * z + c;
      sine = sine * angle;
      const side = quarter & 3;
      const x = side === 0 ? cosine : side === 1 ? -sine : side === 2 ? -cosine : sine;
      const y = side === 0 ? sine : side === 1 ? cosine : side === 2 ? -sine : -cosine;
      out[at + pair] = radius * x;
      if (at + pair + 1 < count) out[at + pair + 1] = radius * y;
    }
  });
  return out;
}
