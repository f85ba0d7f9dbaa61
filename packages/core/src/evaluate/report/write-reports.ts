import { join } from 'node:path';
import { writeFileAtomic } from '../../run/atomic-write.js';
import type { Evaluation } from '../evaluation.js';
import { summarise } from '../summary.js';
import { htmlReport } from './html.js';
import { markdownReport } from './markdown.js';

export interface ReportFiles {
  readonly json: string;
  readonly markdown: string;
  readonly html: string;
}

/** Writes `summary.json`, `report.md` and `report.html` of one or several evaluations into a folder. */
export function writeEvaluationReports(evaluations: readonly Evaluation[], folder: string): ReportFiles {
  const files = {
    json: join(folder, 'summary.json'),
    markdown: join(folder, 'report.md'),
    html: join(folder, 'report.html'),
  };
  const runs = evaluations.map(({ finished: _, base: __, ...rest }) => rest);
  writeFileAtomic(files.json, `${JSON.stringify({ scores: summarise(evaluations), runs }, null, 1)}\n`);
  writeFileAtomic(files.markdown, markdownReport(evaluations));
  writeFileAtomic(files.html, htmlReport(evaluations));
  return files;
}
