// Everything that must hold: lint, build, the tfjs conformance suite, the C++ code under sanitizers, and the tests of every
// package, the last of which train, kill, resume, chat and draw. Ends with one line "N passed, N failed".
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './lib/main.mjs';
import { nx } from './lib/nx.mjs';
import { ensurePackages } from './lib/packages.mjs';
import { inRoot } from './lib/root.mjs';
import { runLines } from './lib/run-command.mjs';
import { duration, Steps, secondsSoFar } from './lib/steps.mjs';
import { TestCounts } from './lib/test-counts.mjs';
import { ensureToolchain } from './lib/toolchain.mjs';

const PACKAGES = ['native', 'core', 'server', 'cli'];
const BIN = inRoot('node_modules', '.bin');

/** Tests of the emulated CUDA kernels in CI; `nx run native:test:emulated` runs the fused ops too. */
const EMULATED = [
  'test/cuda',
  ...['elementwise', 'matmul-conv', 'movement', 'reduce'].map((name) => `test/differential/${name}`),
];

// The CUDA sources must compile wherever nvcc is, also without a GPU.
process.env.UC_CUDA ??= 'ON';

await main(async () => {
  const counts = new TestCounts();
  const reports = mkdtempSync(join(tmpdir(), 'unicharacter-test-'));
  const steps = new Steps(7 + PACKAGES.length);
  try {
    await steps.do('Checking the toolchain', ensureToolchain);
    await steps.do('Installing packages', ensurePackages);
    await steps.do('Lint', () => stage(counts, join(BIN, 'biome'), ['check', '--error-on-warnings', '.']));
    await steps.do('Build', () => nx('run-many', '-t', 'build'));
    await steps.do('tfjs-core conformance', () => conformance(counts));
    await steps.do('Native code under sanitizers', () => sanitized(counts));
    await steps.do('CUDA kernels, emulated', () => emulatedCuda(counts, reports));
    for (const name of PACKAGES) await steps.do(`Tests of ${name}`, () => vitest(counts, name, reports));
  } catch (error) {
    console.error(`error: ${error.message}`);
    counts.add(0, 1);
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
  for (const { title, seconds } of steps.times) console.log(`${duration(seconds).padStart(12)}  ${title}`);
  console.log(`Total: ${(secondsSoFar() / 60).toFixed(1)} minutes`);
  console.log(String(counts));
  if (counts.failed > 0) process.exitCode = 1;
});

function show(line) {
  console.log(`      ${line}`);
}

/** A check without countable tests. */
async function stage(counts, program, args) {
  const { code } = await runLines(program, args, show);
  if (code !== 0) counts.add(0, 1);
}

/** The suite prints its own counts, one line for each of its modes; they are taken over. */
async function conformance(counts) {
  let failed = 0;
  const { code } = await runLines(
    process.execPath,
    ['test/conformance/run.mjs'],
    (line) => {
      show(`| ${line}`);
      const found = /^\w+ reads: (\d+) passed, (\d+) failed/.exec(line);
      if (!found) return;
      counts.add(Number(found[1]), Number(found[2]));
      failed += Number(found[2]);
    },
    { cwd: inRoot('packages', 'native') },
  );
  if (code !== 0 && failed === 0) counts.add(0, 1);
}

/** The C++ tests print one count at their end. A sanitizer that speaks ends them before it. */
async function sanitized(counts) {
  let finished = false;
  const { code } = await runLines(
    process.execPath,
    ['scripts/sanitize.mjs'],
    (line) => {
      show(`| ${line}`);
      const found = /^(\d+) passed, (\d+) failed$/.exec(line);
      if (!found) return;
      counts.add(Number(found[1]), Number(found[2]));
      finished = true;
    },
    { cwd: inRoot('packages', 'native') },
  );
  if (code !== 0 && !finished) counts.add(0, 1);
}

/** The CUDA sources, compiled for the host, against the same references as the kernels of the CPU. */
async function emulatedCuda(counts, reports) {
  await nx('run', 'native:build:emulated');
  await vitest(counts, 'native', reports, 'emulated', EMULATED);
}

async function vitest(counts, name, reports, variant = '', files = []) {
  const report = join(reports, `${name}${variant}.json`);
  const config = variant === '' ? [] : ['--config', `vitest.${variant}.config.ts`];
  const { code } = await runLines(
    join(BIN, 'vitest'),
    ['run', ...files, ...config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    (line) => show(`| ${line}`),
    { cwd: inRoot('packages', name) },
  );
  counts.addVitest(report, code === 0);
}
