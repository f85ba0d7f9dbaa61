import { bootstrapMean } from './bootstrap.js';
import type { Evaluation, Score } from './evaluation.js';
import { meanOf } from './measures/measure.js';

/**
 * One table of several evaluations: the mean over characters of every measure, with the bootstrap interval over characters.
 * A measure that some lack is averaged over the others; `n` says over how many. Of one evaluation these are its own scores.
 */
export function summarise(evaluations: readonly Evaluation[]): Score[] {
  const [first] = evaluations;
  if (!first) throw new RangeError('a summary needs at least one evaluation');
  if (evaluations.length === 1) return [...first.scores];
  const names = new Set(evaluations.flatMap(({ scores }) => scores.map(({ name }) => name)));
  return [...names].map((name) => {
    const own = evaluations.flatMap(({ scores }) => scores.find((score) => score.name === name) ?? []);
    const ceilings = own.flatMap(({ ceiling }) => ceiling ?? []);
    const { title, note, better } = own[0]!;
    return {
      name,
      title,
      note,
      better,
      ...bootstrapMean(
        own.map(({ mean }) => mean),
        first.seed,
      ),
      ...(ceilings.length > 0 ? { ceiling: meanOf(ceilings) } : {}),
    };
  });
}
