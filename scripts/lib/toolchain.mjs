import { existsSync } from 'node:fs';
import { output, run } from './run-command.mjs';

const MINIMUM_NODE = [20, 19];

/** What the build needs beside Node: how to see that it is there, and the Debian package that brings it. */
const REQUIREMENTS = [
  { name: 'cmake', package: 'cmake', present: () => output('cmake', ['--version']) !== undefined },
  { name: 'make', package: 'make', present: () => output('make', ['--version']) !== undefined },
  { name: 'g++', package: 'g++', present: () => output('g++', ['--version']) !== undefined },
  { name: 'OpenMP', package: 'g++', present: () => compiles('#include <omp.h>', ['-fopenmp']) },
  { name: 'oneDNN', package: 'libdnnl-dev', present: () => compiles('#include <oneapi/dnnl/dnnl.hpp>') },
];

/** The toolchain is not complete; the message holds the line that installs it. */
export class ToolchainError extends Error {
  name = 'ToolchainError';
}

/**
 * Makes sure that the addon can be built: installs what is missing with apt when this user may.
 * @throws ToolchainError with the exact line to run otherwise
 */
export async function ensureToolchain() {
  checkNode();
  let missing = missingRequirements();
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((requirement) => requirement.package))];
    const names = missing.map((requirement) => requirement.name).join(', ');
    const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
      throw new ToolchainError(
        `Missing: ${names}. Please run this line, then start again:\n\n  sudo sh -c '${command}'\n`,
      );
    }
    console.log(`      missing ${names}: installing with apt (${packages.join(' ')})`);
    await run('sh', ['-c', `(${command}) > /dev/null`], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
    missing = missingRequirements();
    if (missing.length > 0) {
      throw new ToolchainError(
        `${missing.map(({ name }) => name).join(', ')} still missing after: ${command}`,
      );
    }
  }
  const cmake = /\d+\.\d+\.\d+/.exec(output('cmake', ['--version']) ?? '')?.[0];
  const compiler = (output('g++', ['-dumpfullversion']) ?? '').trim();
  console.log(
    `      Node ${process.versions.node}, cmake ${cmake}, g++ ${compiler} with OpenMP, oneDNN headers`,
  );
}

const missingRequirements = () => REQUIREMENTS.filter((requirement) => !requirement.present());

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = MINIMUM_NODE;
  if (major < needMajor || (major === needMajor && minor < needMinor)) {
    throw new ToolchainError(
      `Node ${MINIMUM_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`,
    );
  }
}

const compiles = (source, flags = []) =>
  output('g++', [...flags, '-x', 'c++', '-std=c++17', '-fsyntax-only', '-'], `${source}\n`) !== undefined;
