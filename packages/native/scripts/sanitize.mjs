// Builds the C++ tests under AddressSanitizer and UBSan and runs them, with commands that test/fuzz damages.
// Needs the built addon for the commands only. Exit status 1 when a test fails or a sanitizer speaks.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SEED = '2';
const COMMANDS = '20000';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(root, 'build', 'sanitize');
const commands = join(build, 'commands.txt');
const jobs = process.env.UC_JOBS ?? String(Math.min(availableParallelism(), 8));

/** Runs a program to its end; its output is shown only when it fails, unless `show`. */
function run(program, args, { show = false, env = {} } = {}) {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: show ? 'inherit' : 'pipe',
    maxBuffer: 2 ** 28,
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${program}: ${error.message}\n` : ''}`);
  process.exit(1);
}

mkdirSync(build, { recursive: true });
run('cmake', ['-S', root, '-B', build, '-DUC_SANITIZE=ON', '-DUC_CUDA=OFF']);
run('cmake', ['--build', build, '--parallel', jobs]);
run(process.execPath, [
  'test/fuzz/write-commands.mjs',
  ...['--seed', SEED, '--count', COMMANDS, '--out', commands],
]);
// Threads that spin for each other make a busy machine many times slower.
run(join(build, 'unicharacter_native_test'), [commands], { show: true, env: { GOMP_SPINCOUNT: '1000' } });
