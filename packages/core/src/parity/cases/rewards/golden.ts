import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import { openSafetensors, type TensorSource } from '../../../tensor-io/index.js';
import type { Tolerance } from '../../compare.js';

/** One stored output: its value, or where it lies as `file#tensor` (safetensors) or `file#key` (JSON). */
export interface RewardOutput {
  readonly value?: unknown;
  readonly tensor?: string;
  readonly file?: string;
  /** 0: identical */
  readonly tolerance: 0 | Tolerance;
}

/** One case of the manifest of reward numbers. */
export interface RewardCase {
  readonly id: string;
  readonly component: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, RewardOutput>>;
}

interface RewardManifest {
  readonly kind: string;
  readonly format_version: number;
  readonly cases: readonly RewardCase[];
}

/** A folder of reference numbers of reward towers, rewards, advantages and text metrics. */
export class RewardGolden {
  readonly cases: readonly RewardCase[];
  readonly #files = new Map<string, TensorSource>();

  /** @throws Error when the folder holds no manifest of this kind and version */
  constructor(readonly dir: string) {
    const manifest = readManifest(dir);
    if (!isRewardManifest(manifest) || manifest.format_version !== 1) {
      throw new Error(`${dir}: expected a manifest of reward numbers with format_version 1`);
    }
    this.cases = manifest.cases;
  }

  /** Whether the manifest of a folder is of this kind. */
  static accepts(dir: string): boolean {
    return existsSync(join(dir, 'manifest.json')) && isRewardManifest(readManifest(dir));
  }

  entry(id: string): RewardCase {
    const entry = this.cases.find((c) => c.id === id);
    if (!entry) throw new Error(`${this.dir}: the manifest has no case "${id}"`);
    return entry;
  }

  path(file: string): string {
    return join(this.dir, file);
  }

  /** Values of `file.json`, or of one key of it as `file.json#key`. */
  json<T>(reference: string): T {
    const [file, key] = reference.split('#') as [string, string?];
    const content = JSON.parse(readFileSync(this.path(file), 'utf8'));
    return key === undefined ? content : content[key];
  }

  /** Values of a stored tensor, `file#name`. */
  values(reference: string): Float32Array | Int32Array {
    const { source, name } = this.#locate(reference);
    return source.info(name).dtype.includes('F') ? source.readFloat32(name) : source.readInt32(name);
  }

  shape(reference: string): readonly number[] {
    const { source, name } = this.#locate(reference);
    return source.info(name).shape;
  }

  /** The tensor that an input of a case names; the caller disposes it. */
  input<T extends tf.Tensor>({ id, inputs }: RewardCase, name: string): T {
    const reference = (inputs[name] as { tensor?: string } | undefined)?.tensor;
    if (reference === undefined) throw new Error(`${id}: the case has no input tensor "${name}"`);
    const values = this.values(reference);
    const dtype = values instanceof Float32Array ? 'float32' : 'int32';
    return tf.tensor(values, [...this.shape(reference)], dtype) as T;
  }

  #locate(reference: string): { source: TensorSource; name: string } {
    const [file, name] = reference.split('#') as [string, string];
    const source = this.#files.get(file) ?? openSafetensors(this.path(file));
    this.#files.set(file, source);
    return { source, name };
  }

  close(): void {
    for (const source of this.#files.values()) source.close();
    this.#files.clear();
  }
}

function readManifest(dir: string): unknown {
  return JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
}

function isRewardManifest(manifest: unknown): manifest is RewardManifest {
  return String((manifest as Partial<RewardManifest>).kind ?? '').includes('reward');
}
