/**
 * Random numbers for decisions on the host, addressed by a key instead of drawn from a hidden state:
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). A run that is resumed asks for
 * the same keys and gets the same numbers.
 */

/** What a stream of random numbers is for. The values are part of a run's identity: never renumber. */
export const streams = {
  initialWeights: 1,
  packOrder: 2,
  conditionDropout: 3,
  timestep: 4,
  flowNoise: 5,
  vaeBatch: 6,
  vaePosterior: 7,
  latentPosterior: 8,
  samples: 9,
  validationNoise: 10,
  grpoPrompts: 11,
  grpoNoise: 12,
  grpoSteps: 13,
  grpoWindow: 14,
  grpoOrder: 15,
  grpoText: 16,
  pretrainTask: 17,
  grpoQuestions: 18,
  grpoPlans: 19,
  trainingPictures: 20,
  annotationOptions: 21,
} as const;

const ROUNDS = 10;
const MULTIPLIER = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;

type Four = readonly [number, number, number, number];

/** One block of Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox4x32(counter: Four, key: readonly [number, number]): Four {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER[0], c0);
    const low0 = Math.imul(MULTIPLIER[0], c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER[1], c2);
    const low1 = Math.imul(MULTIPLIER[1], c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** An endless sequence for one decision, keyed by (seed, stream, index …). */
export class KeyedRandom {
  private block = 0;
  private words: number[] = [];

  /**
   * @param seed of the run
   * @param stream one of {@link streams}
   * @param index which decision, for example the step and the sample in it; each below 2^32
   */
  constructor(
    private readonly seed: number,
    private readonly stream: number,
    private readonly index: readonly [number, number?],
  ) {}

  /** 32 random bits. */
  bits(): number {
    if (this.words.length === 0) {
      const [first, second = 0] = this.index;
      this.words = [...philox4x32([this.block++, first, second, this.stream], seedWords(this.seed))];
    }
    return this.words.shift()!;
  }

  /** Uniform in [0, 1), 24 bits. */
  uniform(): number {
    return (this.bits() >>> 8) / 2 ** 24;
  }

  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor((this.bits() / 2 ** 32) * bound);
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** 0 … length − 1 in random order (Fisher and Yates). */
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, index) => index);
    for (let last = length - 1; last > 0; last--) {
      const pick = this.integer(last + 1);
      [order[last], order[pick]] = [order[pick]!, order[last]!];
    }
    return order;
  }
}

function seedWords(seed: number): readonly [number, number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}
