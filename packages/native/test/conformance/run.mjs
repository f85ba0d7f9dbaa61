// Runs tfjs-core's own jasmine suite on the native backend, once with synchronous and once with deferred reads.
//
//   npx nx run native:conformance            everything; exit status 1 on a failure or when too few specs ran
//   node test/conformance/run.mjs --grep re  only specs whose full name matches; the counts are not checked
//   node test/conformance/run.mjs --fallbacks  also list the kernels that ran in JavaScript
//   node test/conformance/run.mjs --bundle     only makes build/conformance, from which --bundled runs without this repository
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const outDir = join(root, 'build', 'conformance');
const bundle = join(outDir, 'suite.mjs');
/** How many specs must pass, and how many of them on the backend's own environment. */
const floors = { sync: { passed: 4200, onBackend: 3800 }, deferred: { passed: 4100, onBackend: 3750 } };

const { values: options } = parseArgs({
  options: {
    grep: { type: 'string', default: '' },
    fallbacks: { type: 'boolean', default: false },
    mode: { type: 'string' },
    bundle: { type: 'boolean', default: false },
    bundled: { type: 'boolean', default: false },
  },
});

/** Runs one mode in this process and prints its counts. */
async function runMode(mode) {
  const { default: Jasmine } = await import('jasmine');
  const runner = new Jasmine({ projectBaseDir: root });
  runner.exitOnCompletion = false;
  runner.clearReporters();
  const counts = { passed: 0, failed: 0, pending: 0, onBackend: 0 };
  const failures = [];
  runner.addReporter({
    specDone(spec) {
      if (spec.status === 'excluded') return;
      counts[spec.status] = (counts[spec.status] ?? 0) + 1;
      if (spec.status === 'passed' && spec.fullName.includes('native-env')) counts.onBackend++;
      if (spec.status === 'failed') failures.push(spec);
    },
    suiteDone(suite) {
      if (suite.failedExpectations?.length) failures.push(suite);
    },
  });
  const suite = await import(pathToFileURL(bundle).href);
  // The cpu backend advertises another package when it is first used.
  const warn = console.warn;
  console.warn = () => {};
  await suite.describeSuite({ deferredReads: mode === 'deferred', grep: options.grep });
  runner.randomizeTests(false);
  await runner.execute();
  console.warn = warn;
  for (const failure of failures.slice(0, 40)) {
    const message = failure.failedExpectations[0]?.message ?? '';
    console.log(`FAILED ${failure.fullName}\n       ${message.split('\n').slice(0, 3).join('\n       ')}`);
  }
  if (failures.length > 40) console.log(`... and ${failures.length - 40} more`);
  if (options.fallbacks) {
    const used = suite.traffic.fallbackKernels;
    const names = Object.keys(used).sort((a, b) => used[b] - used[a]);
    console.log(`kernels that ran in JavaScript: ${names.map((n) => `${n} ${used[n]}`).join(', ')}`);
  }
  console.log(
    `${mode} reads: ${counts.passed} passed, ${failures.length} failed, ${counts.pending} pending, ${counts.onBackend} on the native backend`,
  );
  const floor = floors[mode];
  const enough =
    options.grep !== '' || (counts.passed >= floor.passed && counts.onBackend >= floor.onBackend);
  if (!enough) console.log(`too few specs ran: expected ${floor.passed}, on the backend ${floor.onBackend}`);
  process.exit(failures.length > 0 || !enough ? 1 : 0);
}

if (options.mode !== undefined) {
  await runMode(options.mode);
} else {
  if (!options.bundled) {
    const { bundleSuite } = await import('./bundle.mjs');
    await bundleSuite(bundle);
  }
  if (options.bundle) process.exit(0);
  let status = 0;
  // Each mode in its own process: jasmine and the engine keep global state.
  for (const mode of Object.keys(floors)) {
    const args = [fileURLToPath(import.meta.url), '--mode', mode, '--grep', options.grep];
    if (options.fallbacks) args.push('--fallbacks');
    const run = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root });
    status ||= run.status ?? 1;
  }
  process.exit(status);
}
