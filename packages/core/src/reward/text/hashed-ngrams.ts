/** A sparse vector: values at rising indices. */
export interface SparseVector {
  readonly indices: Uint32Array;
  readonly values: Float64Array;
}

export interface NgramOptions {
  /** Shortest and longest character n-gram. */
  readonly orders: readonly [number, number];
  /** The vector has 2^bits places. */
  readonly bits: number;
}

/**
 * Character n-grams of a text, hashed (Weinberger et al. 2009, without signs) into 2^bits places: `1 + ln(count)` per
 * place, divided by the Euclidean norm. Case and punctuation stay, because they are style; runs of white space are one
 * space, and a space is added at both ends.
 */
export function hashedNgrams(
  text: string,
  { orders: [shortest, longest], bits }: NgramOptions,
): SparseVector {
  const characters = Array.from(` ${text.trim().replace(/\s+/g, ' ')} `);
  const counts = new Map<number, number>();
  for (let start = 0; start < characters.length; start++) {
    let hash = FNV_OFFSET;
    for (let length = 1; length <= longest && start + length <= characters.length; length++) {
      hash = Math.imul(hash ^ characters[start + length - 1]!.codePointAt(0)!, FNV_PRIME);
      if (length < shortest) continue;
      const place = finish(hash) >>> (32 - bits);
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  const indices = Uint32Array.from(counts.keys()).sort();
  const raw = Float64Array.from(indices, (place) => 1 + Math.log(counts.get(place)!));
  const norm = Math.sqrt(raw.reduce((sum, value) => sum + value ** 2, 0));
  return { indices, values: raw.map((value) => value / norm) };
}

/** 32-bit FNV-1a over code points. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Spreads the hash over its upper bits (the finaliser of MurmurHash3). */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
