// What training costs: tokens/s of Unified-SFT, and pictures/s of Character-GRPO in drawing and in learning, beside equal
// PyTorch programs that work as the published code does (dense masks; one picture at a time; keys and values joined by
// concatenation). Weights, inputs and noise are the same, and no time counts unless the results agree.
//   npx nx run core:bench-train -- [--rounds N] [--json] [--log FILE]      (UNICHARACTER_PYTHON: a Python with torch)
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
import { writeProblem } from '../train-step/problem.mjs';
import { PICTURES, writeGroupProblem } from './problem.mjs';

const BARS = { pytorch: 1.5 };
/** Relative differences that rounding to bf16 in different places explains. */
const TOLERANCES = { loss: 0.02, latents: 0.05, gradNorm: 0.1 };

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '2' }, json: { type: 'boolean' }, log: { type: 'string' } },
});
const rounds = Number(options.rounds);
const threads = availableParallelism();
const python = process.env.UNICHARACTER_PYTHON ?? 'python3';
const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** The answers of a program to some requests, one after the other, or why there are none. */
async function answers(command, args, requests) {
  const peer = new PeerProcess(command, args, threads);
  try {
    const { ready, missing, error } = await peer.opened();
    if (ready === undefined) return { description: missing ?? error };
    const results = [];
    for (const request of requests) {
      const result = await peer.run(request);
      if (result.error) return { description: `${ready}: ${result.error}` };
      results.push(result);
    }
    return { description: ready, results };
  } finally {
    peer.close();
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Relative distance of two lists, by their Euclidean norms. */
function apart(ours, theirs) {
  const norm = (values) => Math.hypot(...values);
  return norm(ours.map((value, i) => value - theirs[i])) / norm(theirs);
}

/** Steps of Unified-SFT, after one to warm up. */
async function measureSft(dir) {
  const { file, weights, tokens } = writeProblem(dir);
  const request = [{ steps: 1 + rounds }];
  const programs = [
    await answers(process.execPath, [here('../train-step/native.mjs'), weights], request),
    await answers(python, [here('../train-step/pytorch/main.py'), file], request),
  ];
  const steps = programs.map(({ results }) => results?.[0].steps);
  const losses = (of) => of.flatMap(({ ce, mse }) => [ce, mse]);
  const row = {
    name: 'Unified-SFT, 1,024 tokens in four samples',
    amount: tokens,
    unit: 'tokens/s',
    programs,
  };
  row.ms = steps.map((of) => of && median(of.slice(1).map(({ ms }) => ms)));
  if (steps[1]) row.differences = { loss: apart(losses(steps[0]), losses(steps[1])) };
  return [row];
}

/** Groups that are drawn and learnt from, after one to warm up. */
async function measureGrpo(dir) {
  const { file, weights } = writeGroupProblem(dir);
  const requests = Array.from({ length: 1 + rounds }, () => [{ part: 'rollOut' }, { part: 'update' }]).flat();
  const programs = [
    await answers(process.execPath, [here('./native.mjs'), weights], requests),
    await answers(python, [here('./pytorch/main.py'), file], requests),
  ];
  const part = (parity) => programs.map(({ results }) => results?.filter((_, i) => i % 2 === parity));
  const rowOf = (name, of, differences) => ({
    name,
    amount: PICTURES,
    unit: 'pictures/s',
    programs,
    ms: of.map((results) => results && median(results.slice(1).map(({ ms }) => ms))),
    ...(of[1] ? { differences: differences(of[0][0], of[1][0]) } : {}),
  });
  return [
    rowOf('Character-GRPO, drawing: 7 steps with guidance', part(0), (a, b) => ({
      latents: apart(a.latents, b.latents),
    })),
    rowOf('Character-GRPO, learning: 2 steps of each picture', part(1), (a, b) => ({
      gradNorm: Math.abs(a.gradNorm / b.gradNorm - 1),
    })),
  ];
}

function tell(report, { name, amount, unit, ms, programs, differences }) {
  const [own, peer] = ms;
  const rate = (of) => ((1e3 * amount) / of).toPrecision(4);
  report.say(`\n${name}`);
  report.say(
    `  ${rate(own).padStart(8)} ${unit}  ${own.toFixed(0).padStart(6)} ms  ${programs[0].description}`,
  );
  const row = { name, bars: BARS, ms: own, rate: Number(rate(own)), unit, peers: {} };
  if (peer === undefined) {
    report.say(`  ${programs[1].description}`);
    return report.note(row);
  }
  report.say(
    `  ${rate(peer).padStart(8)} ${unit}  ${peer.toFixed(0).padStart(6)} ms  ${programs[1].description}`,
  );
  row.peers.pytorch = { ratio: peer / own, ms: peer };
  for (const [what, value] of Object.entries(differences)) {
    const wrong = !(value <= TOLERANCES[what]);
    report.say(`  ${wrong ? 'WRONG: ' : ''}${what} differ by ${(100 * value).toFixed(2)} %`);
    if (!wrong) continue;
    row.peers.pytorch.disagreement = `${what} differ by ${value}`;
    process.exitCode = 1;
  }
  report.say(`  ${(peer / own).toFixed(2)} × PyTorch   ${verdicts(row)}`);
  report.note(row);
}

const report = new Report(options);
const about = machine(threads);
report.say(aboutLine(about));
report.note({ target: 'core:bench-train', machine: about, command: process.argv.slice(2) });
const dir = mkdtempSync(join(tmpdir(), 'train-cost-'));
try {
  selectBackend('native');
  for (const row of [...(await measureSft(dir)), ...(await measureGrpo(dir))]) {
    if (row.ms[0] === undefined) throw new Error(row.programs[0].description);
    tell(report, row);
  }
} finally {
  rmSync(dir, { recursive: true });
}
if (options.log !== undefined) writeFileSync(options.log, report.text());
