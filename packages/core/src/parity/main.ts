import { parseArgs } from 'node:util';
import { type Precision, selectBackend, setStrict } from '@unicharacter/native';
import { RewardGolden } from './cases/rewards/golden.js';
import { runRewardCase } from './cases/rewards/run.js';
import { Golden } from './golden.js';
import { type CaseReport, runCase } from './run-case.js';

const USAGE = `Compares the model with a folder of reference numbers.

  npx nx run core:parity -- --dir DIR [--case ID]… [--backend native|cpu] [--precision f32|bf16] [--rolescape DIR]
                            [--json] [--all]

  --dir        folder with manifest.json, checkpoint and cases
  --case       only this case; may be repeated
  --backend    default native; cpu computes with the composed ops, in float32 only
  --precision  f32: every case in float32. bf16: only the cases of the bf16 regime. Default: each case in its own
  --rolescape  folder with train/ and test/ of the data set, for dataset_prompts; default beside the reference numbers
  --json       the reports as JSON
  --all        print every tensor, not only the worst of each case`;

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
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || !values.dir) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const backend = oneOf('--backend', values.backend, ['native', 'cpu'] as const);
  const only =
    values.precision === undefined
      ? undefined
      : PRECISIONS[oneOf('--precision', values.precision, ['f32', 'bf16'] as const)];
  const precision = backend === 'cpu' ? 'float32' : only;
  if (backend === 'cpu' && only === 'bf16')
    throw new Error('--precision bf16: the backend cpu has no bfloat16');
  selectBackend(backend);
  if (backend === 'native') setStrict(true);
  const reports: CaseReport[] = [];
  const selection = { ids: values.case, only, precision, roleScape: values.rolescape };
  for await (const report of runFolder(values.dir, selection)) {
    reports.push(report);
    if (!values.json) print(report, values.all);
  }
  if (values.json) console.log(JSON.stringify(reports, null, 2));
  else summarise(reports);
  return reports.length > 0 && reports.every(({ verdict }) => verdict !== 'fail') ? 0 : 1;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new Error(`${option}: expected ${allowed.join(' or ')}, found ${value}`);
  return found;
}

interface Selection {
  readonly ids: readonly string[] | undefined;
  /** Only cases of this regime when it is bf16. */
  readonly only: Precision | undefined;
  /** In place of each case's own. */
  readonly precision: Precision | undefined;
  readonly roleScape: string | undefined;
}

/** Reports on the cases of a folder of model numbers or of reward numbers; on all of them unless `ids` names some. */
async function* runFolder(
  dir: string,
  { ids, only, precision, roleScape }: Selection,
): AsyncGenerator<CaseReport> {
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

function print(
  { id, regime, verdict, comparisons, notCompared, skipped = 0, error, leaked }: CaseReport,
  all: boolean,
): void {
  console.log(`${verdict.toUpperCase().padEnd(5)} ${id} (${regime}, ${comparisons.length} outputs)`);
  const failed = comparisons.filter((c) => !c.ok);
  const worst = [...comparisons].sort((a, b) => b.maxAbs - a.maxAbs).slice(0, 1);
  for (const { name, maxAbs, relative, tolerance, ok } of all
    ? comparisons
    : failed.length > 0
      ? failed
      : worst) {
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
