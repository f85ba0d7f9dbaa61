// Builds packages/native/addon/unicharacter_native.node with cmake-js from the installed packages; nothing is downloaded.
// Compiles for the processor of this machine (UC_MARCH=x86-64-v3 makes a binary for other machines).
// With --emulated builds addon/unicharacter_emulated_cuda.node instead, whose device 'cuda' runs on the host (for tests).
// Prints one line per step; the full log is build/addon.log. Exit status 1 with the end of the log on failure.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** UC_BUILD_DIR keeps a build for other machines apart from this machine's own, its objects and its result. */
const buildDir = process.env.UC_BUILD_DIR ?? join(root, 'build');
const emulated = process.argv.includes('--emulated');
const name = emulated ? 'unicharacter_emulated_cuda' : 'unicharacter_native';
const built = join(buildDir, 'Release', `${name}.node`);
const target = join(process.env.UC_BUILD_DIR ?? root, 'addon', `${name}.node`);
const logFile = join(buildDir, 'addon.log');
const jobs = process.env.UC_JOBS ?? String(Math.min(availableParallelism(), 8));

/**
 * Options of CMakeLists.txt and what they are without a setting in the environment: cmake itself would keep the last one.
 * The CUDA part takes minutes and is of no use without a GPU; npm test compiles it wherever nvcc is.
 */
const OPTIONS = { UC_MARCH: 'native', UC_ONEDNN: 'ON', UC_CUDA: existsSync('/dev/nvidiactl') ? 'ON' : 'OFF' };

function cmakeOptions() {
  return Object.entries(OPTIONS).map(([option, unset]) => `--CD${option}=${process.env[option] ?? unset}`);
}

function runCmakeJs(command, log) {
  const cli = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const args = [
    cli,
    command,
    '--directory',
    root,
    '--out',
    buildDir,
    '--parallel',
    jobs,
    '--target',
    name,
    ...cmakeOptions(),
  ];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const watch = (chunk) => {
      log.push(String(chunk));
      for (const line of String(chunk).split('\n')) {
        const step = /\[\s*(\d+%|\d+\/\d+)\]\s+(Building|Linking)\s+\S+ .*?([\w.]+\.(?:cc|cu|node))/.exec(
          line,
        );
        const note = /-- (unicharacter: .*)/.exec(line);
        if (note) process.stdout.write(`${note[1]}\n`);
        else if (step) process.stdout.write(`  [${step[1]}] ${step[3]}\n`);
      }
    };
    child.stdout.on('data', watch);
    child.stderr.on('data', watch);
    child.on('error', (error) => {
      log.push(`${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

mkdirSync(dirname(target), { recursive: true });
const started = Date.now();
/** @type {string[]} */
const log = [];
const code = (await runCmakeJs('configure', log)) || (await runCmakeJs('build', log));
mkdirSync(buildDir, { recursive: true });
writeFileSync(logFile, log.join(''));
if (code !== 0 || !existsSync(built)) {
  const tail = log.join('').trimEnd().split('\n').slice(-60).join('\n');
  process.stderr.write(
    `${tail}\n\nThe native addon could not be built (log: ${logFile}).\n` +
      'It needs cmake >= 3.18, a C++20 compiler with OpenMP (Debian: apt-get install cmake g++ make) and, for speed, oneDNN (apt-get install libdnnl-dev).\n',
  );
  process.exit(1);
}
copyFileSync(built, `${target}.partial`);
renameSync(`${target}.partial`, target);
process.stdout.write(`built ${target} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
