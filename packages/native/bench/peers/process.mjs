import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/**
 * A peer in a process of its own, with as many threads as this backend and no thread pool but its own.
 * It says {"ready": description} (or {"missing": why}) first, then answers each request line with a result line:
 * {"median", "min", "repeats", "check", "note"?}, {"skipped": why} or {"error": why}.
 */
export class PeerProcess {
  #child;
  #lines;

  constructor(command, args, threads) {
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), UC_BENCH_THREADS: String(threads) };
    this.#child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.on('error', () => {});
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    return done ? { error: 'the process has ended' } : JSON.parse(value);
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
