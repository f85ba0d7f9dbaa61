import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TensorInfo } from './header.js';
import { SafetensorsError } from './safetensors-error.js';
import { openSafetensors, type TensorPlace, type TensorSource } from './safetensors-file.js';

/** File name of the index that lists which shard holds which tensor. */
export const SHARD_INDEX_NAME = 'model.safetensors.index.json';

/**
 * Opens named tensors wherever they are: a `.safetensors` file, a shard index (`*.index.json`), or a folder that
 * holds `model.safetensors.index.json` or `model.safetensors`.
 *
 * @throws SafetensorsError naming what was looked for
 */
export function openTensors(path: string): TensorSource {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    const index = join(path, SHARD_INDEX_NAME);
    if (existsSync(index)) return openShardedSafetensors(index);
    const single = join(path, 'model.safetensors');
    if (existsSync(single)) return openSafetensors(single);
    throw new SafetensorsError(path, `the folder holds neither ${SHARD_INDEX_NAME} nor model.safetensors`);
  }
  return path.endsWith('.json') ? openShardedSafetensors(path) : openSafetensors(path);
}

/**
 * Opens all shards that an index file names, as one source of tensors.
 *
 * @throws SafetensorsError when the index is malformed, a shard is missing or damaged, or index and shards disagree
 *   about which tensors exist; all tensors that disagree are named
 */
export function openShardedSafetensors(indexPath: string): TensorSource {
  const weightMap = readWeightMap(indexPath);
  const shards = new Map<string, TensorSource>();
  try {
    for (const shard of new Set(weightMap.values())) {
      shards.set(shard, openSafetensors(join(dirname(indexPath), shard)));
    }
    checkAgreement(indexPath, weightMap, shards);
  } catch (error) {
    for (const shard of shards.values()) shard.close();
    throw error;
  }
  return new ShardedSource(indexPath, weightMap, shards);
}

function readWeightMap(indexPath: string): Map<string, string> {
  let index: unknown;
  try {
    index = JSON.parse(readFileSync(indexPath, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(indexPath, `cannot be read as a JSON index (${reason})`, { cause });
  }
  const weightMap = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw new SafetensorsError(indexPath, 'expected "weight_map" to map tensor names to file names');
  }
  const map = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (
      typeof shard !== 'string' ||
      basename(shard) !== shard ||
      shard === '..' ||
      shard === '.' ||
      shard === ''
    ) {
      throw new SafetensorsError(
        indexPath,
        `expected the name of a file beside the index, found ${String(shard)}`,
        {
          tensor,
        },
      );
    }
    map.set(tensor, shard);
  }
  return map;
}

function checkAgreement(
  indexPath: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, TensorSource>,
): void {
  const missing = [...weightMap].filter(([tensor, shard]) => !shards.get(shard)?.has(tensor));
  const unlisted = [...shards].flatMap(([shard, source]) =>
    source
      .names()
      .filter((tensor) => weightMap.get(tensor) !== shard)
      .map((tensor) => [tensor, shard] as const),
  );
  if (missing.length === 0 && unlisted.length === 0) return;
  const list = (pairs: (readonly [string, string])[]) => pairs.map(([t, s]) => `${t} (${s})`).join(', ');
  const problems = [
    missing.length > 0 ? `listed but not in their shard: ${list(missing)}` : '',
    unlisted.length > 0 ? `in a shard but not listed for it: ${list(unlisted)}` : '',
  ].filter((problem) => problem !== '');
  throw new SafetensorsError(indexPath, `index and shards disagree; ${problems.join('; ')}`);
}

class ShardedSource implements TensorSource {
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    private readonly indexPath: string,
    private readonly weightMap: ReadonlyMap<string, string>,
    private readonly shards: ReadonlyMap<string, TensorSource>,
  ) {
    this.metadata = Object.assign({}, ...[...shards.values()].map((shard) => shard.metadata));
  }

  names(): string[] {
    return [...this.weightMap.keys()];
  }

  has(name: string): boolean {
    return this.weightMap.has(name);
  }

  info(name: string): TensorInfo {
    return this.shardOf(name).info(name);
  }

  readFloat32(name: string): Float32Array {
    return this.shardOf(name).readFloat32(name);
  }

  readInt32(name: string): Int32Array {
    return this.shardOf(name).readInt32(name);
  }

  bytes(name: string): Uint8Array {
    return this.shardOf(name).bytes(name);
  }

  place(name: string): TensorPlace {
    return this.shardOf(name).place(name);
  }

  fileOf(name: string): string {
    return this.shardOf(name).fileOf(name);
  }

  close(): void {
    for (const shard of this.shards.values()) shard.close();
  }

  private shardOf(name: string): TensorSource {
    const shard = this.shards.get(this.weightMap.get(name) ?? '');
    if (shard === undefined) {
      throw new SafetensorsError(this.indexPath, `no such tensor among the ${this.weightMap.size} listed`, {
        tensor: name,
      });
    }
    return shard;
  }
}
