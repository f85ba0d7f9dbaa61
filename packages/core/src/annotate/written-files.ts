import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../run/atomic-write.js';
import { hashBytes } from '../tensor-io/content-hash.js';

/**
 * Files that people may change: each is written anew only while it is as it was written last. A list of hashes beside them
 * tells.
 */
export class WrittenFiles {
  /** Files that somebody else wrote or changed, and that were left alone. */
  readonly kept: string[] = [];
  /** Files that are new or written anew. */
  readonly written: string[] = [];
  readonly #hashes: Record<string, string>;
  readonly #wanted = new Set<string>();

  /**
   * @param root paths are relative to it
   * @param list where the hashes are kept, relative to `root`
   */
  constructor(
    private readonly root: string,
    private readonly list: string,
  ) {
    const path = join(root, list);
    this.#hashes = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : {};
  }

  /** Writes a file unless somebody has changed it. */
  write(path: string, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const hash = hashBytes(bytes);
    const found = this.#hashOf(path);
    this.#wanted.add(path);
    if (found !== undefined && found !== hash && found !== this.#hashes[path]) {
      this.kept.push(path);
      return;
    }
    if (found !== hash) {
      writeFileAtomic(join(this.root, path), bytes);
      this.written.push(path);
    }
    this.#note(path, hash);
  }

  /** Removes what was written earlier and is not wanted any more, unless somebody has changed it. */
  removeOthers(): void {
    for (const path of Object.keys(this.#hashes).filter((name) => !this.#wanted.has(name))) {
      const found = this.#hashOf(path);
      if (found !== undefined && found !== this.#hashes[path]) {
        this.kept.push(path);
        continue;
      }
      rmSync(join(this.root, path), { force: true });
      this.#note(path, undefined);
    }
  }

  #hashOf(path: string): string | undefined {
    const file = join(this.root, path);
    return existsSync(file) ? hashBytes(readFileSync(file)) : undefined;
  }

  #note(path: string, hash: string | undefined): void {
    if (this.#hashes[path] === hash) return;
    if (hash === undefined) delete this.#hashes[path];
    else this.#hashes[path] = hash;
    writeFileAtomic(join(this.root, this.list), `${JSON.stringify(this.#hashes, null, 1)}\n`);
  }
}
