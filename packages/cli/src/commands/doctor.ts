import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { describeError, ExitCode } from '../errors.js';
import { formatBytes } from '../format.js';

interface DoctorOptions {
  json?: true;
}

/** One line of the doctor's report. `missing` keeps something from working, `note` does not. */
interface Check {
  name: string;
  state: 'ok' | 'note' | 'missing';
  detail: string;
}

const MARKS: Readonly<Record<Check['state'], string>> = { ok: 'ok  ', note: 'note', missing: 'MISS' };
const GIGABYTE = 2 ** 30;

/** `unicharacter doctor`: what this machine can do for training and drawing. */
export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('check this machine: toolchain, native addon, processor, memory, disk')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Ends with exit code 1 when the native addon does not load.

Example:
  $ unicharacter doctor`,
    )
    .action((options: DoctorOptions) => doctor(context, options));
}

async function doctor(context: CommandContext, { json }: DoctorOptions): Promise<void> {
  const checks = [...toolchain(), ...(await backend(context)), ...machine(context.folder)];
  const width = Math.max(...checks.map((check) => check.name.length));
  const text = checks
    .map(({ name, state, detail }) => `${MARKS[state]}  ${name.padEnd(width)}  ${detail}\n`)
    .join('');
  context.terminal.out(json ? `${JSON.stringify(checks, null, 2)}\n` : text);
  if (checks.some((check) => check.state === 'missing')) context.setExitCode(ExitCode.failure);
}

/** The tools that build the addon; a finished build does without them. */
function toolchain(): Check[] {
  return [
    { name: 'Node', state: 'ok', detail: process.versions.node },
    tool('cmake', 'cmake', ['--version'], 'to build the addon: apt-get install cmake'),
    tool('C++ compiler', 'g++', ['--version'], 'to build the addon: apt-get install g++'),
    tool('CUDA compiler', 'nvcc', ['--version'], 'only needed for GPUs'),
  ];
}

function tool(name: string, program: string, args: string[], missing: string): Check {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.status !== 0) return { name, state: 'note', detail: `${program} not found (${missing})` };
  const version = /\d+\.\d+(\.\d+)?/.exec(result.stdout)?.[0] ?? result.stdout.trim();
  return { name, state: 'ok', detail: `${program} ${version}` };
}

async function backend(context: CommandContext): Promise<Check[]> {
  try {
    const core = await context.core();
    const { onednn, cuda, isa, threads } = core.nativeInfo();
    return [
      { name: 'Native addon', state: 'ok', detail: 'loaded' },
      { name: 'Instruction set', state: 'ok', detail: isa },
      { name: 'Threads', state: 'ok', detail: `${threads} of ${availableParallelism()} cores` },
      onednn === null
        ? {
            name: 'oneDNN',
            state: 'note',
            detail: 'not built in; matrix products are slower (install libdnnl-dev, rebuild)',
          }
        : { name: 'oneDNN', state: 'ok', detail: onednn },
      {
        name: 'CUDA',
        state: cuda ? 'ok' : 'note',
        detail: cuda ? 'available' : 'no; everything runs on the processor',
      },
    ];
  } catch (error) {
    return [{ name: 'Native addon', state: 'missing', detail: describeError(error, false) }];
  }
}

function machine(folder: string): Check[] {
  const disk = statfsSync(folder);
  const space = disk.bavail * disk.bsize;
  const memory = freemem();
  return [
    { name: 'Processor', state: 'ok', detail: cpus()[0]?.model.trim() ?? 'unknown' },
    {
      name: 'Memory',
      state: memory < 2 * GIGABYTE ? 'note' : 'ok',
      detail: `${formatBytes(memory)} free of ${formatBytes(totalmem())}`,
    },
    {
      name: 'Disk',
      state: space < GIGABYTE ? 'note' : 'ok',
      detail: `${formatBytes(space)} free at ${folder}`,
    },
  ];
}
