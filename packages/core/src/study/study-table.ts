import { join } from 'node:path';
import { type Score, summarise, writeEvaluationReports } from '../evaluate/index.js';
import { describeScope, figure } from '../evaluate/report/markdown.js';
import { writeFileAtomic } from '../run/index.js';
import type { VariantResult } from './run-study.js';

/** Mean and interval of one score in a cell. */
const cell = (score: Score | undefined) =>
  score === undefined ? '' : `${figure(score.mean)} (${figure(score.low)} – ${figure(score.high)})`;

/** One row per measure, one column per variant; the last column is what the data's own pictures and words reach. */
export function studyTable(results: readonly VariantResult[]): string {
  const columns = results.map(({ evaluations }) => new Map(summarise(evaluations).map((s) => [s.name, s])));
  const names = [...new Set(columns.flatMap((scores) => [...scores.keys()]))];
  const rows = names.map((name) => {
    const own = columns.map((scores) => scores.get(name));
    const known = own.find((score) => score !== undefined)!;
    const real = known.ceiling === undefined ? '' : figure(known.ceiling);
    return `| ${known.title} | ${own.map(cell).join(' | ')} | ${real} |`;
  });
  const times = results.map(({ trainingSeconds }) => (trainingSeconds / 60).toFixed(1));
  return [
    `| measure | ${results.map(({ variant }) => variant).join(' | ')} | real |`,
    `| --- | ${results.map(() => '---').join(' | ')} | --- |`,
    ...rows,
    `| Training, minutes per character | ${times.join(' | ')} | |`,
    '',
  ].join('\n');
}

/**
 * Writes `study.md` and `study.json`, and the reports of each variant below `reports/`.
 * @returns the path of `study.md`
 */
export function writeStudy(results: readonly VariantResult[], out: string): string {
  for (const { variant, evaluations } of results) {
    writeEvaluationReports(evaluations, join(out, 'reports', variant));
  }
  const variants = results.map(({ evaluations, ...rest }) => ({ ...rest, scores: summarise(evaluations) }));
  writeFileAtomic(join(out, 'study.json'), `${JSON.stringify(variants, null, 1)}\n`);
  const path = join(out, 'study.md');
  const scope = describeScope(results[0]!.evaluations);
  writeFileAtomic(path, `# Study\n\n${scope}.\n\n${studyTable(results)}`);
  return path;
}
