import type { KvContext } from '../model/index.js';

/** Ids that were read from the start on, and the context that read them. */
interface Prefix {
  readonly ids: readonly number[];
  readonly context: KvContext;
}

/** Sharing fewer tokens than this costs more than reading them. */
const LEAST_SHARED = 16;

/**
 * Prompts that were read lately. A prompt that begins like one of them takes that part over without reading or copying
 * it: all chats with one character share its profile, and each turn of a chat shares the turns before.
 *
 * The contexts must have read text only, so that position and length are the same (spec 5.1).
 */
export class PrefixCache {
  readonly #capacity: number;
  /** The one used longest ago first. */
  #prefixes: Prefix[] = [];

  /** @param capacity tokens that are kept at most, over all prompts; 0 keeps nothing */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A context that has read the longest known beginning of `ids`, or null. The caller disposes it. */
  fork(ids: readonly number[]): KvContext | null {
    let best: Prefix | undefined;
    let most = LEAST_SHARED - 1;
    for (const prefix of this.#prefixes) {
      const shared = sharedLength(prefix.ids, ids);
      if (shared > most) [best, most] = [prefix, shared];
    }
    if (!best) return null;
    this.#prefixes = [...this.#prefixes.filter((prefix) => prefix !== best), best];
    return best.context.forkStart(most);
  }

  /** Remembers what a context has read; the context remains the caller's. */
  keep(ids: readonly number[], context: KvContext): void {
    if (ids.length > this.#capacity) return;
    this.#drop(({ ids: own }) => sharedLength(own, ids) === own.length);
    this.#prefixes.push({ ids, context: context.fork() });
    let held = this.#prefixes.reduce((sum, prefix) => sum + prefix.ids.length, 0);
    const old = new Set<Prefix>();
    for (const prefix of this.#prefixes) {
      if (held <= this.#capacity) break;
      old.add(prefix);
      held -= prefix.ids.length;
    }
    this.#drop((prefix) => old.has(prefix));
  }

  dispose(): void {
    this.#drop(() => true);
  }

  #drop(unwanted: (prefix: Prefix) => boolean): void {
    this.#prefixes = this.#prefixes.filter((prefix) => {
      if (!unwanted(prefix)) return true;
      prefix.context.dispose();
      return false;
    });
  }
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}
