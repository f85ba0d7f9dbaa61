/** Numbers that share a scale; `kCodeBlock` in cpp/formulas/block_codes.h. */
export const CODE_BLOCK = 256;

/** Decades below the scale that a code reaches. */
const DECADES = 7;

/**
 * The 256 values that a byte stands for in dynamic quantisation (Dettmers et al. 2022, arXiv 2110.02861, section 2.1), ascending:
 * shares of the largest magnitude of a block. Each decade below 1 has half as many values as the one above it, evenly
 * spread: 64, 32 … 1 of either sign, or 128, 64 … 2 without a sign; and there are 0 and 1.
 */
export function dynamicCodes(signed: boolean): Float32Array {
  const positive: number[] = [1];
  for (let decade = 0; decade < DECADES; decade++) {
    const count = 2 ** (DECADES - decade - (signed ? 1 : 0));
    for (let i = 0; i < count; i++) {
      // The middle of the i-th of `count` parts of [0.1, 1] · 10^-decade.
      positive.push((0.1 + (0.9 * (i + 0.5)) / count) / 10 ** decade);
    }
  }
  const negative = signed ? positive.filter((value) => value < 1).map((value) => -value) : [];
  return Float32Array.from([...negative, 0, ...positive].sort((a, b) => a - b));
}
