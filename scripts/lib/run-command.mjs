import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from './root.mjs';

/** A child process ended with another exit code than 0. */
export class CommandError extends Error {
  constructor(command, code, signal, output = '') {
    super(`${command} ended with ${signal ?? `exit code ${code}`}${output && `\n${output}`}`);
    this.name = 'CommandError';
    this.code = code;
    this.signal = signal;
  }
}

/**
 * Runs a program and waits for it; its output goes straight to the terminal.
 * @throws CommandError when it fails
 */
export async function run(program, args, { cwd = ROOT, env = {} } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
  const { code, signal } = await ended(child);
  if (code !== 0) throw new CommandError(`${program} ${args.join(' ')}`, code, signal);
}

/**
 * Runs a program without showing its output, unless it fails.
 * @throws CommandError that holds the end of the output
 */
export async function runQuietly(program, args, { cwd = ROOT, env = {} } = {}) {
  const lines = [];
  const result = await runLines(program, args, (line) => lines.push(line), { cwd, env });
  if (result.code !== 0) {
    throw new CommandError(
      `${program} ${args.join(' ')}`,
      result.code,
      result.signal,
      lines.slice(-40).join('\n'),
    );
  }
}

/**
 * Runs a program and hands every line of its output to `onLine`.
 * @returns {Promise<{code: number | null, signal: string | null}>}
 */
export async function runLines(program, args, onLine, { cwd = ROOT, env = {} } = {}) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  return await ended(child);
}

/** What a program prints, or undefined when it cannot be run or fails. */
export function output(program, args, input = '') {
  const result = spawnSync(program, args, { encoding: 'utf8', input });
  return result.status === 0 ? result.stdout : undefined;
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
}
