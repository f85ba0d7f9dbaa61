// Speed of the standard kernels beside tfjs-backend-cpu and tfjs-backend-wasm, all measured in this run.
//   npx nx run native:bench -- [--quick] [--filter REGEXP] [--json]
// The fused ops have a program of their own: node packages/native/bench/fused-ops.mjs
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeInfo, selectBackend, strict, tf } from '../dist/index.js';
import { cases } from './cases.mjs';
import { measure } from './measure.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const PEERS = ['wasm', 'cpu'];
const budget = options.quick ? 100 : 1000;

function timesOfPeer(backend) {
  const program = fileURLToPath(new URL('./peer.mjs', import.meta.url));
  const output = execFileSync(process.execPath, [program, backend, String(budget), options.filter], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output.trim().split('\n').at(-1));
}

selectBackend('native');
const chosen = cases.filter(({ name }) => new RegExp(options.filter).test(name));
if (chosen.length === 0) {
  console.error(`No case matches ${options.filter}; there are: ${cases.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const own = strict(() => chosen.map((one) => measure(tf, one, budget)));
const peers = PEERS.map(timesOfPeer);
const rows = chosen.map(({ name, work, unit }, i) => ({
  kernel: name,
  ms: own[i],
  rate: work === 0 ? undefined : work / own[i] / 1e6,
  unit,
  ...Object.fromEntries(PEERS.map((peer, p) => [peer, peers[p][name] / own[i]])),
}));
const machine = { cpu: cpus()[0].model, node: process.version, ...nativeInfo() };

if (options.json) {
  console.log(JSON.stringify({ machine, rows }, null, 2));
} else {
  console.log(
    `${machine.cpu}, ${machine.threads} threads, ${machine.isa}, oneDNN ${machine.onednn ?? 'none'}`,
  );
  console.log(
    `${'kernel'.padEnd(32)}${'ms'.padStart(9)}${'rate'.padStart(18)}${PEERS.map((p) => `× ${p}`.padStart(11)).join('')}`,
  );
  for (const row of rows) {
    const rate = row.rate === undefined ? '' : `${row.rate.toFixed(1)} ${row.unit}`;
    const ratios = PEERS.map((p) => row[p].toFixed(1).padStart(11)).join('');
    console.log(`${row.kernel.padEnd(32)}${row.ms.toPrecision(3).padStart(9)}${rate.padStart(18)}${ratios}`);
  }
}
