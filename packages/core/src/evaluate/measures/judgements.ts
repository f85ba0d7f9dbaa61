import type { Judgements } from '../language-judge/judge-replies.js';
import { type Measure, meanOf, measured } from './measure.js';

/** What a language model thinks of the replies. */
export function judgementMeasures({ rubric, judgements }: Judgements, judge: string): Measure[] {
  const criteria = rubric.criteria.map(({ name, title }): Measure => {
    const references = judgements.flatMap(({ reference }) => reference?.[name]?.score ?? []);
    return {
      name: `judge.${name}`,
      title: `Judge: ${title} (1 – 5)`,
      note: `scores of replies by ${judge}, by the rubric of this evaluation`,
      values: judgements.map(({ scores }) => scores[name]!.score),
      ...(references.length > 0 ? { ceiling: meanOf(references) } : {}),
      better: 'higher',
    };
  });
  return measured([
    ...criteria,
    {
      name: 'judge.wins',
      title: 'Judge: preferred to the data’s reply',
      note: `share of replies that ${judge} finds more like the character than the data's own reply, shown in random order; equal counts half`,
      values: judgements.flatMap(({ wins }) => wins ?? []),
      better: 'higher',
    },
  ]);
}
