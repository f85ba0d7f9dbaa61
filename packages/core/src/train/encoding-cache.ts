import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, type StoredTensor, writeSafetensors } from '../tensor-io/index.js';

/** Changes when what is stored changes its meaning: older entries are not found any more. */
const VERSION = 1;
const SUFFIX = '.safetensors';

/** Named arrays with whole numbers beside them: what an entry holds. */
export interface Encoding {
  readonly arrays: Readonly<Record<string, Float32Array | Int32Array>>;
  readonly numbers: Readonly<Record<string, number>>;
}

/** What a cache did, for the user. */
export interface CacheSummary {
  /** Entries that were read. */
  readonly found: number;
  /** Entries that were made because there were none. */
  readonly made: number;
  /** Entries that were damaged and made anew. */
  readonly damaged: number;
  /** Why entries could not be stored, where they could not; training goes on without. */
  readonly notStored?: string;
  /** Size of the whole cache, after what was used longest ago has been removed. */
  readonly bytes: number;
}

/**
 * Encoded pictures and texts on disk, by what they were made from: another picture, resize rule or autoencoder has another
 * key, so that nothing ever has to be invalidated. Runs share it. Each entry is a safetensors file of its own, written under
 * a temporary name, with a checksum of its data; a damaged one is made anew.
 */
export class EncodingCache {
  #found = 0;
  #made = 0;
  #damaged = 0;
  #notStored: string | undefined;

  /**
   * @param folder made when the first entry is stored
   * @param maxBytes the entries that were used longest ago are removed by `tidy` beyond this
   */
  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {}

  /**
   * The entry of these parts, or what `make` returns, which is stored then.
   * @param parts everything that the result depends on, in order
   */
  async take(
    parts: readonly (string | Uint8Array)[],
    make: () => Encoding | Promise<Encoding>,
  ): Promise<Encoding> {
    const path = join(this.folder, keyOf(parts) + SUFFIX);
    if (existsSync(path)) {
      const known = this.#read(path);
      if (known) return known;
    }
    const made = await make();
    this.#made++;
    this.#store(path, made);
    return made;
  }

  /** Removes what was used longest ago until the cache fits. @returns what the cache did */
  tidy(): CacheSummary {
    const files = existsSync(this.folder) ? this.#files() : [];
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files) {
      if (bytes <= this.maxBytes) break;
      rmSync(path, { force: true });
      bytes -= size;
    }
    return {
      found: this.#found,
      made: this.#made,
      damaged: this.#damaged,
      ...(this.#notStored === undefined ? {} : { notStored: this.#notStored }),
      bytes,
    };
  }

  /** Entries, the one used longest ago first. Another run may remove some at the same time. */
  #files(): { path: string; size: number; used: number }[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .flatMap((name) => {
        const path = join(this.folder, name);
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat ? [{ path, size: stat.size, used: stat.mtimeMs }] : [];
      })
      .sort((a, b) => a.used - b.used);
  }

  #read(path: string): Encoding | undefined {
    try {
      const encoding = readEntry(path);
      const now = new Date();
      utimesSync(path, now, now);
      this.#found++;
      return encoding;
    } catch {
      this.#damaged++;
      return undefined;
    }
  }

  #store(path: string, { arrays, numbers }: Encoding): void {
    const tensors = Object.entries(arrays).map(
      ([name, data]) =>
        ({
          name,
          shape: [data.length],
          dtype: data instanceof Int32Array ? 'I32' : 'F32',
          data,
        }) as StoredTensor,
    );
    const stored = { numbers: JSON.stringify(numbers), checksum: checksum(arrays, numbers) };
    try {
      mkdirSync(this.folder, { recursive: true });
      writeSafetensors(path, tensors, stored);
    } catch (error) {
      this.#notStored = error instanceof Error ? error.message : String(error);
    }
  }
}

/** @throws Error when the file is not an entry or its data are not those that were stored */
function readEntry(path: string): Encoding {
  const file = openSafetensors(path);
  try {
    const arrays = Object.fromEntries(
      file
        .names()
        .map((name) => [
          name,
          file.info(name).dtype === 'I32' ? file.readInt32(name) : file.readFloat32(name),
        ]),
    );
    const numbers = JSON.parse(file.metadata.numbers ?? '') as Record<string, number>;
    if (file.metadata.checksum !== checksum(arrays, numbers)) throw new Error(`${path}: damaged`);
    return { arrays, numbers };
  } finally {
    file.close();
  }
}

/** SHA-256 of the parts and their lengths, so that no two lists of parts run together. */
function keyOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(`encoding ${VERSION}`);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`:${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

function checksum(arrays: Encoding['arrays'], numbers: Encoding['numbers']): string {
  const hash = createHash('sha256').update(JSON.stringify(numbers));
  for (const name of Object.keys(arrays).sort()) {
    const { buffer, byteOffset, byteLength } = arrays[name]!;
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
