import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * By default glibc gives large freed arrays back to the system and faults their pages in again at the next call, which on a
 * virtual machine costs several times the work itself. Whoever measures a peer without this measures page faults.
 */
const KEEP_FREED_MEMORY = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 40) };

/**
 * A peer in a process of its own, with as many threads as this backend and no thread pool but its own.
 * It says {"ready": description} (or {"missing": why}) first, then answers each request line with a result line:
 * {"median", "min", "repeats", "check", "note"?}, {"skipped": why} or {"error": why}.
 */
export class PeerProcess {
  #child;
  #lines;
  /** The last that it said on standard error: why it ended, if it did. */
  #complaint = '';

  /** @param {{keepFreed?: boolean}} options whether freed memory is kept, see above */
  constructor(command, args, threads, { keepFreed = true } = {}) {
    const env = {
      ...process.env,
      OMP_NUM_THREADS: String(threads),
      UC_BENCH_THREADS: String(threads),
      ...(keepFreed ? KEEP_FREED_MEMORY : {}),
    };
    this.#child = spawn(command, args, { env, stdio: 'pipe' });
    this.#child.on('error', ({ message }) => this.#hear(message));
    this.#child.stderr.setEncoding('utf8').on('data', (text) => this.#hear(text));
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  #hear(text) {
    this.#complaint = `${this.#complaint}${text}`.slice(-2000);
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    // Standard error may close after standard output.
    if (!this.#child.stderr.closed) await once(this.#child.stderr, 'close');
    const lastLine = this.#complaint.trim().split('\n').at(-1);
    return { error: `the process has ended${lastLine ? `: ${lastLine}` : ''}` };
  }

  /** @returns {Promise<{ready?: string, missing?: string, error?: string}>} */
  opened() {
    return this.#answer();
  }

  run(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answer();
  }

  close() {
    this.#child.stdin.end();
  }
}
