import { normalisedText } from './words.js';

/** A letter label such as `B`, `(C)` or `a:` at the start of an answer. */
const LETTER_LABEL = /^\(?([A-Za-z])\)?(?:[.:)\s]|$)/;

/**
 * Which choice a free-form answer selects: the one it equals, else the only one it contains as whole words, else the
 * one whose letter it begins with (A is the first). Texts are compared after {@link normalisedText}.
 *
 * @returns index into `choices`, or `null` when the answer selects none
 */
export function selectedChoice(prediction: string, choices: readonly string[]): number | null {
  const answer = normalisedText(prediction);
  const options = choices.map(normalisedText);
  const equal = options.indexOf(answer);
  if (equal >= 0) return equal;
  const contained = options.flatMap((option, i) =>
    option !== '' && ` ${answer} `.includes(` ${option} `) ? [i] : [],
  );
  if (contained.length === 1) return contained[0]!;
  const letter = LETTER_LABEL.exec(prediction.trim())?.[1];
  if (letter === undefined) return null;
  const index = letter.toUpperCase().charCodeAt(0) - 'A'.charCodeAt(0);
  return index < choices.length ? index : null;
}

/** Whether the answer selects a choice that equals the gold answer after {@link normalisedText}. */
export function isChoiceCorrect(prediction: string, choices: readonly string[], gold: string): boolean {
  const selected = selectedChoice(prediction, choices);
  return selected !== null && normalisedText(choices[selected]!) === normalisedText(gold);
}
