import type { Finding, InspectionReport } from '@unicharacter/core';
import { formatCount, formatTable } from './format.js';

const MARKS: Readonly<Record<Finding['severity'], string>> = {
  error: 'ERROR',
  warning: 'warn ',
  info: 'info ',
};
const ORDER: readonly Finding['severity'][] = ['error', 'warning', 'info'];

/** The doctor's report as text: what each task gets out of the data, then the findings, the gravest first. */
export function describeInspection(report: InspectionReport): string {
  return `${taskTable(report)}\n${[...findingLines(report), verdict(report)].join('\n')}\n`;
}

/** What each task gets out of the data. Token counts are those of the text; pictures come on top. */
export function taskTable({ tasks }: InspectionReport): string {
  const rows = tasks.map(({ task, samples, share, tokens }) => [
    task,
    String(samples),
    `${(100 * share).toFixed(0)}%`,
    ...(tokens ? [String(tokens.median), String(tokens.max), formatCount(tokens.total)] : ['-', '-', '-']),
  ]);
  return formatTable([['task', 'samples', 'share', 'median tokens', 'longest', 'all'], ...rows]);
}

/** One line that counts the findings. */
export function verdict({ findings }: InspectionReport): string {
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings, notes] = ORDER.map(count);
  return `${errors} errors, ${warnings} warnings, ${notes} notes`;
}

function findingLines({ findings }: InspectionReport): string[] {
  return ORDER.flatMap((severity) =>
    findings
      .filter((finding) => finding.severity === severity)
      .map(({ file, field, message }) => `${MARKS[severity]} ${file}${field ? ` ${field}` : ''}: ${message}`),
  );
}
