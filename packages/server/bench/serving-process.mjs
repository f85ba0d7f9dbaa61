import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('server.mjs', import.meta.url));
const MIB = 2 ** 20;

/** A server that runs in a process of its own, with its engine in another one. Needs Linux' /proc. */
export class ServingProcess {
  /** @param folder where it keeps everything @param run folder of the character that it serves */
  static async start(folder, run) {
    const child = spawn(process.execPath, [PROGRAM, folder, run], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the server ended by itself: ${signal ?? `exit code ${code}`}`);
    });
    const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
    ended.catch(() => {});
    return new ServingProcess(child, line.toString().trim());
  }

  constructor(child, url) {
    this.child = child;
    this.url = url;
  }

  /** Of the engine; undefined while there is none. */
  get enginePid() {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  }

  /** Resident memory in MiB: of the server and of its engine, and what the engine's tensors take. */
  async memory() {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = (name) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1],
      );
    return {
      server: value('process_resident_memory_bytes') / MIB,
      engine: value('unicharacter_engine_memory_bytes{kind="resident"}') / MIB,
      tensors: value('unicharacter_engine_memory_bytes{kind="tensors"}') / MIB,
    };
  }

  async ready() {
    for (;;) {
      const response = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (response?.ok) return;
      await pause(10);
    }
  }

  /** Ends it at once. @returns when neither it nor its engine is left */
  async kill() {
    const engine = this.enginePid;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
    while (engine !== undefined && running(engine)) await pause(10);
  }

  /** Lets it finish what it does. */
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}

/** Whether there is such a process; one that only waits to be noticed by its parent does not count. */
const running = (pid) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
