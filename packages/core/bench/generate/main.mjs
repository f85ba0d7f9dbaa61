// Tokens per second of a text and steps per second of a picture, on nano and on a model of half a billion parameters: this
// project beside an equal PyTorch program with the same weights, prompt and noise.
//   npx nx run core:bench-generate -- [--case nano] [--repeats N] [--dir DIR] [--json] [--log FILE]
// UNICHARACTER_PYTHON names a Python with torch; DIR keeps the written models (1 GB) for the next run.
// A text is written token by token by the likeliest token after a prompt of 128; a step of a picture of 256 latent tokens is
// two passes, with the prompt and without it. The median of the repeats counts, and the better of PyTorch with glibc as it
// comes and with freed memory kept.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { selectBackend } from '@unicharacter/native';
import { verdicts } from '../../../native/bench/bars.mjs';
import { aboutLine, machine } from '../../../native/bench/machine.mjs';
import { PeerProcess } from '../../../native/bench/peers/process.mjs';
import { Report } from '../../../native/bench/report.mjs';
import { CASES, writtenProblem } from './problem.mjs';

const BARS = { pytorch: 1.5 };
/** ‖ours − theirs‖ / ‖theirs‖ of logits and pictures: both round in other places. */
const TOLERANCE = { float32: 1e-4, bf16: 0.05 };
const WORK = {
  write: { title: 'decoding', unit: 'tokens/s' },
  draw: { title: 'denoising', unit: 'steps/s' },
};

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: Object.keys(CASES) },
    dir: { type: 'string' },
    repeats: { type: 'string', default: '3' },
    json: { type: 'boolean' },
    log: { type: 'string' },
  },
});
const repeats = Number(options.repeats);
const threads = availableParallelism();
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const python = process.env.UNICHARACTER_PYTHON ?? 'python3';
const SIDES = [
  { name: 'own', command: process.execPath, program: './native.mjs', keepFreed: false },
  { name: 'PyTorch, glibc as it comes', command: python, program: './pytorch/main.py', keepFreed: false },
  { name: 'PyTorch, freed memory kept', command: python, program: './pytorch/main.py', keepFreed: true },
];

/** All work of one program, by kind; the first pass of each kind is not counted. */
async function run({ command, program, keepFreed }, file) {
  const peer = new PeerProcess(command, [here(program), file], threads, { keepFreed });
  try {
    const { ready, missing, error } = await peer.opened();
    if (ready === undefined) return { description: missing ?? error };
    const results = { description: ready };
    for (const what of Object.keys(WORK)) {
      const result = await peer.run({ what, repeats: repeats + 1 });
      if (result.error) return { description: `${ready}: ${result.error}` };
      results[what] = { ...result, ms: median(result.ms.slice(1)) };
    }
    return results;
  } finally {
    peer.close();
  }
}

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

function apart(ours, theirs) {
  const norm = (values) => Math.hypot(...values);
  return norm(ours.map((value, i) => value - theirs[i])) / norm(theirs);
}

const report = new Report(options);
const line = (name, { ms }, unit) =>
  report.say(
    `  ${name.padEnd(30)}${(1e3 / ms).toFixed(2).padStart(9)} ${unit}${ms.toFixed(2).padStart(10)} ms`,
  );

/** One kind of work of one model, of all sides. */
function compare(name, what, precision, [own, ...peers]) {
  const { title, unit } = WORK[what];
  const row = { name: `${title}, ${name}, ${precision}`, bars: BARS, ms: own[what].ms, unit, peers: {} };
  row.rate = 1e3 / row.ms;
  report.say(row.name);
  line('this project', own[what], unit);
  const measured = peers.filter((peer) => peer[what]);
  for (const peer of measured) line(peer.name, peer[what], unit);
  if (measured.length > 0) {
    const ms = Math.min(...measured.map((peer) => peer[what].ms));
    row.peers.pytorch = { ms, ratio: ms / row.ms };
    row.difference = apart(own[what].check, measured[0][what].check);
    report.say(
      `  ${(ms / row.ms).toFixed(2)} × PyTorch; results differ by ${row.difference.toExponential(1)}`,
    );
    if (!(row.difference <= TOLERANCE[precision])) {
      row.peers.pytorch.disagreement = `results differ by ${row.difference.toExponential(1)}`;
      report.say(`  WRONG: at most ${TOLERANCE[precision]} was expected`);
      process.exitCode = 1;
    }
  }
  report.say(`  ${verdicts(row)}`);
  report.note(row);
}

const about = machine(threads);
report.say(aboutLine(about));
report.note({ target: 'core:bench-generate', machine: about, command: process.argv.slice(2) });
selectBackend('native');
for (const name of options.case) {
  if (!(name in CASES)) throw new Error(`--case: expected ${Object.keys(CASES).join(' or ')}, found ${name}`);
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'generate-'));
  mkdirSync(dir, { recursive: true });
  try {
    const { file, problem } = writtenProblem(dir, name);
    report.say(`\n${name}: ${(problem.parameters / 1e6).toFixed(0)} million parameters`);
    const results = [];
    for (const side of SIDES) results.push({ ...(await run(side, file)), name: side.name });
    const [own] = results;
    if (!own.write) throw new Error(own.description);
    for (const { description } of results.slice(0, 2)) report.say(`  ${description}`);
    for (const what of Object.keys(WORK)) compare(name, what, problem.precision, results);
  } finally {
    if (options.dir === undefined) rmSync(dir, { recursive: true });
  }
}
if (options.log !== undefined) writeFileSync(options.log, report.text());
