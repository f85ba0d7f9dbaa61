// One training step of a 12-layer mixture of transformers, 1,024 packed tokens, bf16 autocast, AdamW: this project's trainer
// beside an equal PyTorch program with the same weights, row and noise.
//   npx nx run core:bench -- [--steps N] [--json] [--log FILE]        (UNICHARACTER_PYTHON: a Python with torch)
// Memory is the peak of resident memory during the steps, less what was resident before the model was made.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { selectBackend } from '@unicharacter/native';
import { verdicts } from '../../../native/bench/bars.mjs';
import { aboutLine, machine } from '../../../native/bench/machine.mjs';
import { PeerProcess } from '../../../native/bench/peers/process.mjs';
import { Report } from '../../../native/bench/report.mjs';
import { writeProblem } from './problem.mjs';

const WARM_UP = 2;
// Both compute in bf16 but round in different places.
const TOLERANCE = 0.02;
const BARS = { pytorch: 1.5, memory: 0.7 };

const { values: options } = parseArgs({
  options: { steps: { type: 'string', default: '8' }, json: { type: 'boolean' }, log: { type: 'string' } },
});
const steps = Number(options.steps);
const threads = availableParallelism();
const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** All steps of one program. @param {boolean} keepFreed see PeerProcess */
async function run(command, args, keepFreed) {
  const peer = new PeerProcess(command, args, threads, { keepFreed });
  const { ready, missing, error } = await peer.opened();
  if (ready === undefined) return { description: missing ?? error };
  const result = await peer.run({ steps: WARM_UP + steps });
  peer.close();
  if (result.error) return { description: `${ready}: ${result.error}` };
  const times = result.steps
    .slice(WARM_UP)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  return { ...result, description: ready, ms: times[times.length >> 1], minMs: times[0] };
}

/** Largest relative difference of the losses of any step. */
function difference(ours, theirs) {
  const relative = ({ ce, mse }, i) => [
    Math.abs(ce - theirs[i].ce) / theirs[i].ce,
    Math.abs(mse - theirs[i].mse) / theirs[i].mse,
  ];
  return Math.max(...ours.flatMap(relative));
}

const line = (name, { ms, peakMiB }, tokens) =>
  `${name.padEnd(34)}${ms.toFixed(0).padStart(8)} ms${((1e3 * tokens) / ms).toFixed(0).padStart(9)} tokens/s${peakMiB.toFixed(0).padStart(8)} MiB`;

const report = new Report(options);
const about = machine(threads);
report.say(aboutLine(about));
const dir = mkdtempSync(join(tmpdir(), 'train-step-'));
try {
  selectBackend('native');
  const { file, weights, tokens } = writeProblem(dir);
  const python = process.env.UNICHARACTER_PYTHON ?? 'python3';
  const own = await run(process.execPath, [here('./native.mjs'), weights], false);
  if (own.ms === undefined) throw new Error(own.description);
  report.say(
    `${own.description}; ${steps} steps after ${WARM_UP}, peak of its tensors ${own.tensorsMiB.toFixed(0)} MiB`,
  );
  report.say(line('this project', own, tokens));
  // PyTorch with glibc as it comes, and with freed memory kept: the better number of each kind counts.
  const pytorch = [
    await run(python, [here('./pytorch/main.py'), file], false),
    await run(python, [here('./pytorch/main.py'), file], true),
  ];
  report.say(pytorch[0].description);
  const row = {
    name: 'training step, 12 layers, 1,024 tokens, bf16',
    bars: BARS,
    ms: own.ms,
    minMs: own.minMs,
  };
  Object.assign(row, { rate: (1e3 * tokens) / own.ms, unit: 'tokens/s', peakMiB: own.peakMiB, peers: {} });
  if (pytorch.every(({ ms }) => ms !== undefined)) {
    report.say(line('PyTorch, glibc as it comes', pytorch[0], tokens));
    report.say(line('PyTorch, freed memory kept', pytorch[1], tokens));
    const ms = Math.min(...pytorch.map((each) => each.ms));
    const peakMiB = Math.min(...pytorch.map((each) => each.peakMiB));
    const apart = difference(own.steps, pytorch[0].steps);
    row.peers.pytorch = { ratio: ms / own.ms, ms };
    row.memory = { share: own.peakMiB / peakMiB, peakMiB };
    report.say(`losses of all steps agree within ${(100 * apart).toFixed(2)} %`);
    if (!(apart <= TOLERANCE)) {
      row.peers.pytorch.disagreement = `losses differ by ${(100 * apart).toFixed(1)} %`;
      report.say(`WRONG ${row.peers.pytorch.disagreement}`);
      process.exitCode = 1;
    }
    report.say(
      `${row.peers.pytorch.ratio.toFixed(2)} × PyTorch's tokens/s, ${row.memory.share.toFixed(2)} × its memory`,
    );
  }
  report.say(verdicts(row));
  report.note({
    target: 'core:bench',
    machine: about,
    command: process.argv.slice(2),
    peers: [own, ...pytorch].map((p) => p.description),
  });
  report.note(row);
} finally {
  rmSync(dir, { recursive: true });
}
if (options.log !== undefined) writeFileSync(options.log, report.text());
