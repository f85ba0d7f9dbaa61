import type { Evaluation, Score } from '../evaluation.js';
import { summarise } from '../summary.js';

/** Three decimals, or two above ten. */
export const figure = (value: number) => (Math.abs(value) >= 10 ? value.toFixed(2) : value.toFixed(3));

export const intervalText = ({ low, high }: Score) => `${figure(low)} – ${figure(high)}`;

/** What the numbers are over, in a sentence. */
export function describeScope(evaluations: readonly Evaluation[]): string {
  const [first] = evaluations;
  const { imagesPerPrompt, seed, limit, split } = first!;
  const over =
    evaluations.length === 1
      ? 'intervals: 95 % bootstrap over questions, pictures or prompts'
      : `mean over ${evaluations.length} runs; intervals: 95 % bootstrap over runs`;
  const some = limit > 0 ? `, at most ${limit} of each kind` : '';
  const where = split === 'test' ? 'test split' : 'training prompts (the data has no test split)';
  return `${over}; ${where}, ${imagesPerPrompt} pictures per prompt, seed ${seed}${some}`;
}

/** The scores as a Markdown table with a note under each measure's name. */
export function markdownReport(evaluations: readonly Evaluation[]): string {
  const rows = summarise(evaluations).map((score) => {
    const { title, mean, n, ceiling } = score;
    return `| ${title} | ${figure(mean)} | ${intervalText(score)} | ${n} | ${ceiling === undefined ? '' : figure(ceiling)} |`;
  });
  const notes = summarise(evaluations).map(({ title, note }) => `- **${title}:** ${note}.`);
  const names = evaluations.map(({ character }) => character).join(', ');
  return [
    `# Evaluation: ${names}`,
    '',
    `${describeScope(evaluations)}. "Real" is the same measure on the data's own pictures or words.`,
    '',
    '| measure | mean | 95 % interval | n | real |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...notes,
    '',
  ].join('\n');
}
