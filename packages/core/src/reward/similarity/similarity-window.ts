/** Bounds between which similarity to the training pictures is not punished. */
export interface SimilarityWindow {
  /** Above it a picture copies its training data. */
  readonly high: number;
  /** Below it a picture is off the character. */
  readonly low: number;
}

const SLOPE = 2;

/** Hinge outside the window: `−2·max(0, s − high) − 2·max(0, low − s)`, 0 inside (rewards specification §1). */
export function windowPenalty(similarity: number, { high, low }: SimilarityWindow): number {
  const excess = Math.max(0, similarity - high) + Math.max(0, low - similarity);
  // Not a plain product: the score of a picture inside is 0, not −0.
  return excess === 0 ? 0 : -SLOPE * excess;
}
