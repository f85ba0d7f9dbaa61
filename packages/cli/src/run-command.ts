import { CommanderError } from 'commander';
import type { CommandContext } from './context.js';
import { describeError, ExitCode, exitCodeOf, InterruptedError } from './errors.js';
import { userFolder } from './paths.js';
import { buildProgram } from './program.js';
import type { Terminal } from './terminal.js';

export interface Surroundings {
  terminal: Terminal;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** The model code; `@unicharacter/core` by default. */
  core?: CommandContext['core'];
}

/**
 * Runs one command line and returns its exit code: 0 done, 1 failure, 2 wrong usage, configuration or data,
 * 130 interrupted. Errors become one message on the error stream.
 * @param args the arguments after the program's name
 */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal, env, cwd } = surroundings;
  let exitCode: number = ExitCode.ok;
  const program = buildProgram({
    terminal,
    env,
    folder: userFolder(env, cwd),
    core: surroundings.core ?? (() => import('@unicharacter/core')),
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    const prefix = error instanceof InterruptedError ? '' : 'error: ';
    terminal.err(`${prefix}${describeError(error, program.opts().verbose === true)}\n`);
    return exitCodeOf(error);
  }
}
