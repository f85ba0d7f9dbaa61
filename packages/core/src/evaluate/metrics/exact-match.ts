import { normalisedText, type TextPair } from './words.js';

/** 1 when the trimmed, lower-cased hypothesis is the lower-cased reference, else 0. The reference is not trimmed. */
export function exactMatchStrict({ hypothesis, reference }: TextPair): 0 | 1 {
  return hypothesis.trim().toLowerCase() === reference.toLowerCase() ? 1 : 0;
}

/** 1 when both texts are equal after {@link normalisedText}, else 0. */
export function exactMatchNormalised({ hypothesis, reference }: TextPair): 0 | 1 {
  return normalisedText(hypothesis) === normalisedText(reference) ? 1 : 0;
}
