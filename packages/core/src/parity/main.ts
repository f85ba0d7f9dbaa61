import { parseArgs } from 'node:util';
import { selectBackend, setStrict } from '@unicharacter/native';
import { RewardGolden } from './cases/rewards/golden.js';
import { runRewardCase } from './cases/rewards/run.js';
import { Golden } from './golden.js';
import { type CaseReport, runCase } from './run-case.js';

const USAGE = `Compares the model with a folder of reference numbers.

  npx nx run core:parity -- --dir DIR [--case ID]… [--backend native|cpu] [--json] [--all]

  --dir      folder with manifest.json, checkpoint and cases
  --case     only this case; may be repeated
  --backend  default native; cpu computes with the composed ops
  --json     the reports as JSON
  --all      print every tensor, not only the worst of each case`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      case: { type: 'string', multiple: true },
      backend: { type: 'string', default: 'native' },
      json: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || !values.dir) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  if (values.backend !== 'native' && values.backend !== 'cpu') {
    throw new Error(`--backend: expected native or cpu, found ${values.backend}`);
  }
  selectBackend(values.backend);
  if (values.backend === 'native') setStrict(true);
  const reports: CaseReport[] = [];
  for await (const report of runFolder(values.dir, values.case)) {
    reports.push(report);
    if (!values.json) print(report, values.all);
  }
  if (values.json) console.log(JSON.stringify(reports, null, 2));
  else summarise(reports);
  return reports.some((report) => report.verdict === 'fail') ? 1 : 0;
}

/** Reports on the cases of a folder of model numbers or of reward numbers; on all of them unless `ids` names some. */
async function* runFolder(dir: string, ids: readonly string[] | undefined): AsyncGenerator<CaseReport> {
  if (RewardGolden.accepts(dir)) {
    const golden = new RewardGolden(dir);
    for (const entry of ids?.map((id) => golden.entry(id)) ?? golden.cases)
      yield runRewardCase(golden, entry);
    golden.close();
    return;
  }
  const golden = new Golden(dir);
  for (const entry of ids?.map((id) => golden.entry(id)) ?? golden.manifest.cases)
    yield runCase(golden, entry);
  golden.close();
}

function print(
  { id, regime, verdict, comparisons, notCompared, error, leaked }: CaseReport,
  all: boolean,
): void {
  if (verdict === 'unsupported') return;
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
  if (leaked !== 0) console.log(`      tensors left behind: ${leaked}`);
  if (error) console.log(`      ${error}`);
}

function summarise(reports: readonly CaseReport[]): void {
  const of = (verdict: CaseReport['verdict']) => reports.filter((report) => report.verdict === verdict);
  const unsupported = of('unsupported').map((report) => report.id);
  console.log(
    `\n${of('pass').length} passed, ${of('fail').length} failed, ${unsupported.length} unsupported`,
  );
  if (unsupported.length > 0) console.log(`unsupported: ${unsupported.join(', ')}`);
}

process.exitCode = await main();
