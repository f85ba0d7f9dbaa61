import { runCommand } from './run-command.js';
import { exitOnClosedPipe, processTerminal } from './terminal.js';

exitOnClosedPipe();
process.exitCode = await runCommand(process.argv.slice(2), {
  terminal: processTerminal(),
  env: process.env,
  cwd: process.cwd(),
});
