import type { Comparison } from './compare.js';
import type { CaseReport } from './run-case.js';

/** The reports of one pass over a folder. */
export interface Column {
  readonly title: string;
  readonly reports: readonly CaseReport[];
}

const VERDICTS = { pass: '✓', fail: '✗', unsupported: '–' } as const;

/** The output that takes most of its tolerance. */
export function worstOf({ comparisons }: CaseReport): Comparison | undefined {
  // NaN first: it is worse than any number.
  const rank = ({ used }: Comparison) => (Number.isNaN(used) ? Number.POSITIVE_INFINITY : used);
  return comparisons.toSorted((a, b) => rank(b) - rank(a))[0];
}

/** `✓ 0.03 (2.1e-6, logits)`: verdict, share of the tolerance, and largest difference of the worst output. */
function cell(report: CaseReport | undefined): string {
  if (!report) return '';
  const worst = worstOf(report);
  const mark = VERDICTS[report.verdict];
  if (!worst) return `${mark} ${report.error?.split('\n')[0] ?? `${report.skipped ?? 0} skipped`}`;
  return `${mark} ${worst.used.toPrecision(2)} (${worst.maxAbs.toExponential(1)}, ${worst.name})`;
}

/** A Markdown table with a row per case and a column per pass. */
export function parityTable(columns: readonly Column[]): string {
  const ids = [...new Set(columns.flatMap(({ reports }) => reports.map(({ id }) => id)))];
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = ids.map((id) =>
    row([id, ...columns.map(({ reports }) => cell(reports.find((report) => report.id === id)))]),
  );
  return [
    row(['case', ...columns.map(({ title }) => title)]),
    row(['---', ...columns.map(() => '---')]),
    ...rows,
  ].join('\n');
}
