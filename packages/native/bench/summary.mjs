// Writes the table of docs/benchmarks/README.md from logs that were made with --log:
//   node packages/native/bench/summary.mjs docs/benchmarks/2026-11-25-native-*.log
// Everything between the two marks in the README is replaced; a later log wins where two hold the same case.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judged, MARKS } from './bars.mjs';
import { aboutLine } from './machine.mjs';

const README = fileURLToPath(new URL('../../../docs/benchmarks/README.md', import.meta.url));
const BEGIN = '<!-- summary: begin -->';
const END = '<!-- summary: end -->';

/** The JSON lines of a log. */
function readLog(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const [head, ...rows] = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  return { file: basename(file), head, rows };
}

const measured = ({ against, value }) => {
  if (value === undefined) return 'not measured';
  return against === 'ms' ? `${(1e3 * value).toFixed(2)} µs` : value.toFixed(2);
};

function tableRow({ row, log }) {
  const bars = judged(row);
  const cell = (f) => bars.map(f).join('<br>') || '–';
  const rate = row.rate === undefined ? '' : `${row.rate.toFixed(row.rate < 10 ? 1 : 0)} ${row.unit}`;
  return [
    row.name,
    row.error ? `failed: ${row.error}` : `${row.ms.toPrecision(3)} ms`,
    rate,
    row.limit ? `${(100 * row.limit.share).toFixed(0)} %` : '',
    row.peers?.pytorch?.ratio?.toFixed(2) ?? '',
    cell(({ against, sign, bar }) => `${against} ${sign} ${against === 'ms' ? `${1e3 * bar} µs` : bar}`),
    cell((one) => `${MARKS[one.met]} ${measured(one)}`),
    `[log](${log})`,
  ];
}

const logs = process.argv.slice(2).map(readLog);
if (logs.length === 0) {
  console.error('Expected the logs to summarise: node summary.mjs LOG...');
  process.exit(2);
}
const latest = new Map();
for (const { file, rows } of logs) for (const row of rows) latest.set(row.name, { row, log: file });
const HEAD = ['case', 'time', 'rate', 'of limit', '× PyTorch', 'bar', 'reached', ''];
const markdown = [
  '| log | command | machine |',
  '| --- | --- | --- |',
  ...logs.map(
    ({ file, head }) =>
      `| [${file}](${file}) | \`nx run ${head.target} -- ${head.command.join(' ').replaceAll('|', '\\|')}\` | ${aboutLine(head.machine)} |`,
  ),
  '',
  `| ${HEAD.join(' | ')} |`,
  `|${HEAD.map(() => ' --- |').join('')}`,
  ...[...latest.values()].map((each) => `| ${tableRow(each).join(' | ')} |`),
].join('\n');
const readme = readFileSync(README, 'utf8');
const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)];
if (before < 0 || after < before) throw new Error(`${README}: expected the marks ${BEGIN} and ${END}`);
writeFileSync(README, `${readme.slice(0, before + BEGIN.length)}\n\n${markdown}\n\n${readme.slice(after)}`);
