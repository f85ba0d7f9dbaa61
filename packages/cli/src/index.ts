export { ExitCode } from './errors.js';
export { runCommand, type Surroundings } from './run-command.js';
export type { Terminal } from './terminal.js';
