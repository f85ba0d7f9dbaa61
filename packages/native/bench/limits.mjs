import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../build/limits/native_limits', import.meta.url));

// Read and written by the streaming copy: many times what the caches hold.
const COPIED = 2 ** 28;

/**
 * Limits of the machine, from the program native_limits (bench/limits). What several cases share is measured once.
 */
export class Limits {
  #measured = new Map();
  #threads;
  #budget;

  constructor(threads, budget) {
    this.#threads = threads;
    this.#budget = budget;
  }

  get description() {
    return existsSync(program)
      ? 'native_limits: oneDNN called directly, and a streaming copy'
      : 'limits are left out: native_limits is not built (npx nx run native:build:limits)';
  }

  /**
   * The result line of native_limits for a case: of its own words, or of the streaming copy; `rate` is its work per
   * millisecond. Undefined for a case without work.
   */
  async of({ limit, bytes }) {
    if (limit === undefined && bytes === undefined) return undefined;
    if (!existsSync(program)) return { skipped: 'not built' };
    const words = limit?.words ?? ['copy', COPIED];
    const key = words.join(' ');
    if (!this.#measured.has(key)) {
      const result = await this.#run(words.map(String));
      this.#measured.set(key, { ...result, rate: workOf(words) / result.median });
    }
    return this.#measured.get(key);
  }

  async #run(words) {
    const env = { ...process.env, OMP_NUM_THREADS: String(this.#threads) };
    const { stdout } = await promisify(execFile)(program, [...words, String(this.#budget)], { env });
    return JSON.parse(stdout);
  }
}

/** Flops, or bytes, of one call of what the words say. */
function workOf([kind, ...args]) {
  if (kind === 'copy') return args[0];
  if (kind === 'product') return 2 * args[1] * args[2] * args[3];
  const [, , batch, size, channels, filters, kernel] = args;
  return 2 * batch * size ** 2 * channels * filters * kernel ** 2;
}
