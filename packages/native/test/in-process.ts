import { execFileSync } from 'node:child_process';

const entry = new URL('../dist/index.js', import.meta.url).href;

/**
 * Runs the body of an async function in a fresh Node process and gives what it returns, by way of JSON.
 * `native` is the built package, `require` that of the folder `cwd`; `tasks()` counts the threads of the process.
 */
export function inProcess(body: string, environment: Record<string, string> = {}, cwd?: string): unknown {
  const code = `
    const { readdirSync } = require('node:fs');
    const tasks = () => readdirSync('/proc/self/task').length;
    import(${JSON.stringify(entry)})
      .then(async (native) => {${body}})
      .then((answer) => process.stdout.write(JSON.stringify(answer)));`;
  const output = execFileSync(process.execPath, ['-e', code], {
    env: { ...process.env, ...environment },
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(output);
}
