import { createHash } from 'node:crypto';
import { RewardError } from '../reward-model.js';
import { hashedNgrams, type NgramOptions } from './hashed-ngrams.js';
import { fitLogistic, type LogisticModel } from './logistic-regression.js';

/** A line and who says it. */
export interface SpokenLine {
  readonly character: string;
  readonly text: string;
}

export interface PersonaClassifierOptions extends NgramOptions {
  readonly l2: number;
  readonly iterations: number;
}

const DEFAULTS: PersonaClassifierOptions = { orders: [1, 4], bits: 16, l2: 1e-3, iterations: 100 };

/** Every n-th line of a character is held out to measure the classifier. */
const HELD_OUT_EVERY = 5;

/** Says who speaks, from how it is said. */
export interface PersonaClassifier {
  /** Names of the characters it knows, sorted. */
  readonly characters: readonly string[];
  /** Hash of the lines, options, and accuracy on held-out lines of a classifier that was fitted without them. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** Probability of each of {@link characters}. */
  probabilities(text: string): Float64Array;
}

/**
 * Fits a classifier of who speaks: multinomial logistic regression on hashed character n-grams. The same lines give the
 * same classifier.
 *
 * @param lines of two characters or more; empty texts and repetitions are left out
 * @throws RewardError when fewer than two characters speak, or one has fewer than two different lines
 */
export function trainPersonaClassifier(
  lines: readonly SpokenLine[],
  options: Partial<PersonaClassifierOptions> = {},
): PersonaClassifier {
  const settings = { ...DEFAULTS, ...options };
  const distinct = distinctLines(lines);
  const characters = [...new Set(distinct.map(({ character }) => character))].sort();
  if (characters.length < 2) {
    throw new RewardError(
      `persona classifier: expected lines of at least two characters, found ${characters.length}; ` +
        'add lines of other characters to tell this one from',
    );
  }
  const ordinal = ordinals(distinct);
  for (const character of characters) {
    const count = distinct.filter((line) => line.character === character).length;
    if (count < 2) {
      throw new RewardError(
        `persona classifier: expected at least two different lines of "${character}", found ${count}`,
      );
    }
  }
  const fit = (chosen: readonly SpokenLine[]) =>
    fitLogistic(
      chosen.map(({ text }) => hashedNgrams(text, settings)),
      chosen.map(({ character }) => characters.indexOf(character)),
      characters.length,
      settings,
    );
  const isHeldOut = (_: SpokenLine, i: number) => ordinal[i]! % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
  const heldOut = distinct.filter(isHeldOut);
  const rest = distinct.filter((line, i) => !isHeldOut(line, i));
  const probabilitiesOf = (model: LogisticModel, text: string) =>
    model.probabilities(hashedNgrams(text, settings));
  const accuracy = heldOut.length === 0 ? null : accuracyOf(fit(rest));
  const model = fit(distinct);

  function accuracyOf(model: LogisticModel): number {
    const right = heldOut.filter(({ character, text }) => {
      const probabilities = probabilitiesOf(model, text);
      return characters[probabilities.indexOf(Math.max(...probabilities))] === character;
    });
    return right.length / heldOut.length;
  }

  return {
    characters,
    provenance: {
      classifier: 'logistic regression on hashed character n-grams',
      lines: hashLines(distinct),
      lineCount: distinct.length,
      heldOutAccuracy: accuracy,
      heldOutLines: heldOut.length,
      ...settings,
    },
    probabilities: (text) => probabilitiesOf(model, text),
  };
}

function distinctLines(lines: readonly SpokenLine[]): SpokenLine[] {
  const seen = new Set<string>();
  return lines.filter(({ character, text }) => {
    const key = JSON.stringify([character, text.trim()]);
    if (text.trim() === '' || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** How many lines of the same character come before each line. */
function ordinals(lines: readonly SpokenLine[]): number[] {
  const counts = new Map<string, number>();
  return lines.map(({ character }) => {
    const count = counts.get(character) ?? 0;
    counts.set(character, count + 1);
    return count;
  });
}

function hashLines(lines: readonly SpokenLine[]): string {
  const hash = createHash('sha256');
  for (const { character, text } of lines) hash.update(JSON.stringify([character, text]));
  return hash.digest('hex');
}
