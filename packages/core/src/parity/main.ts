import { parseArgs } from 'node:util';
import { type Precision, selectBackend, setStrict } from '@unicharacter/native';
import { RewardGolden } from './cases/rewards/golden.js';
import { runRewardCase } from './cases/rewards/run.js';
import { Golden } from './golden.js';
import { type CaseReport, runCase } from './run-case.js';
import { type Column, parityTable, worstOf } from './table.js';

const USAGE = `Compares the model with a folder of reference numbers.

  npx nx run core:parity -- --dir DIR [--case ID]… [--backend native|cpu|tensorflow] [--precision f32|bf16]
                            [--rolescape DIR] [--json] [--all] [--table]

  --dir        folder with manifest.json, checkpoint and cases
  --case       only this case; may be repeated
  --backend    default native; cpu and tensorflow compute with the composed ops, in float32 only
  --precision  f32: every case in float32. bf16: only the cases of the bf16 regime. Default: each case in its own
  --rolescape  folder with train/ and test/ of the data set, for dataset_prompts; default beside the reference numbers
  --json       the reports as JSON
  --all        print every tensor, not only the worst of each case
  --table      a Markdown table of all cases: native in float32, native in bf16, and cpu`;

const BACKENDS = ['native', 'cpu', 'tensorflow'] as const;
const PRECISIONS: Readonly<Record<string, Precision>> = { f32: 'float32', bf16: 'bf16' };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      case: { type: 'string', multiple: true },
      backend: { type: 'string', default: 'native' },
      precision: { type: 'string' },
      rolescape: { type: 'string' },
      json: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || !values.dir) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const selection = { dir: values.dir, ids: values.case, roleScape: values.rolescape };
  if (values.table) return table(selection);
  const backend = oneOf('--backend', values.backend, BACKENDS);
  const only =
    values.precision === undefined
      ? undefined
      : PRECISIONS[oneOf('--precision', values.precision, ['f32', 'bf16'] as const)];
  if (backend !== 'native' && only === 'bf16')
    throw new Error(`--precision bf16: the backend ${backend} has no bfloat16`);
  const reports: CaseReport[] = [];
  for await (const report of pass({ ...selection, backend, only })) {
    reports.push(report);
    if (!values.json) print(report, values.all);
  }
  if (values.json) console.log(JSON.stringify(reports, null, 2));
  else summarise(reports);
  return reports.length > 0 && reports.every(passed) ? 0 : 1;
}

const passed = ({ verdict }: CaseReport) => verdict !== 'fail';

/** Prints the table of all ways to compute. */
async function table(selection: Omit<Selection, 'backend' | 'only'>): Promise<number> {
  const columns: Column[] = [];
  for (const [title, backend, only] of [
    ['native, float32', 'native', 'float32'],
    ['native, bf16', 'native', 'bf16'],
    ['cpu, float32', 'cpu', undefined],
  ] as const) {
    const reports: CaseReport[] = [];
    for await (const report of pass({ ...selection, backend, only })) reports.push(report);
    columns.push({ title, reports });
  }
  console.log(parityTable(columns));
  return columns.every(({ reports }) => reports.every(passed)) ? 0 : 1;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new Error(`${option}: expected ${allowed.join(' or ')}, found ${value}`);
  return found;
}

interface Selection {
  readonly dir: string;
  readonly backend: (typeof BACKENDS)[number];
  readonly ids: readonly string[] | undefined;
  /** In place of the regime of each case; with bf16 only the cases of that regime. */
  readonly only: Precision | undefined;
  readonly roleScape: string | undefined;
}

/** Reports on the cases of a folder of model numbers or of reward numbers; on all of them unless `ids` names some. */
async function* pass({ dir, backend, ids, only, roleScape }: Selection): AsyncGenerator<CaseReport> {
  const precision = backend === 'native' ? only : 'float32';
  selectBackend(backend);
  setStrict(backend === 'native');
  if (RewardGolden.accepts(dir)) {
    const golden = new RewardGolden(dir);
    for (const entry of ids?.map((id) => golden.entry(id)) ?? golden.cases)
      yield runRewardCase(golden, entry);
    golden.close();
    return;
  }
  const golden = new Golden(dir, roleScape);
  const wanted = ids?.map((id) => golden.entry(id)) ?? golden.manifest.cases;
  for (const entry of wanted.filter(({ regime }) => only !== 'bf16' || regime === 'bf16'))
    yield runCase(golden, entry, precision);
  golden.close();
}

function print(report: CaseReport, all: boolean): void {
  const { id, regime, verdict, comparisons, notCompared, skipped = 0, error, leaked } = report;
  console.log(`${verdict.toUpperCase().padEnd(5)} ${id} (${regime}, ${comparisons.length} outputs)`);
  const failed = comparisons.filter((c) => !c.ok);
  const worst = worstOf(report);
  for (const { name, maxAbs, relative, tolerance, ok } of all
    ? comparisons
    : failed.length > 0
      ? failed
      : worst
        ? [worst]
        : []) {
    const numbers = `abs ${maxAbs.toExponential(2)}  rel ${relative.toExponential(2)}  tolerance ${tolerance}`;
    console.log(`      ${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(32)} ${numbers}`);
  }
  if (notCompared.length > 0) console.log(`      not computed: ${notCompared.join(', ')}`);
  if (skipped > 0) console.log(`      skipped, their files are absent: ${skipped}`);
  if (leaked !== 0) console.log(`      tensors left behind: ${leaked}`);
  if (error) console.log(`      ${error}`);
}

function summarise(reports: readonly CaseReport[]): void {
  const count = (wanted: CaseReport['verdict']) => reports.filter(({ verdict }) => verdict === wanted).length;
  const unsupported = count('unsupported');
  const others = unsupported > 0 ? `, ${unsupported} unsupported` : '';
  console.log(`\n${count('pass')} passed, ${count('fail')} failed${others}`);
}

process.exitCode = await main();
