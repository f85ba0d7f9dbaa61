import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Precision, tf } from '@unicharacter/native';
import type { GenerationModels } from '../generate/index.js';
import { FlowVae, loadModelConfig, type ModelConfig, UnifiedModel } from '../model/index.js';
import { openSafetensors, type TensorSource } from '../tensor-io/index.js';
import { loadTokenizer } from '../tokenizer/index.js';

/** What the manifest says of one tensor of a case. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly role: 'input' | 'output';
  readonly rtol?: number;
  readonly atol?: number;
  readonly rel_l2?: number;
  readonly max_difference?: number;
  readonly min_psnr_db?: number;
}

/** One case of the manifest. */
export interface CaseEntry {
  readonly id: string;
  readonly file: string;
  readonly prefix: string | null;
  readonly what: string;
  readonly regime: 'float32' | 'bf16';
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, TensorEntry>>;
  readonly output_shape_hw?: readonly [number, number];
  readonly grad_norms_file?: string;
}

interface Manifest {
  readonly format: string;
  readonly constants: Readonly<Record<string, unknown>>;
  readonly cases: readonly CaseEntry[];
}

/** Which weights a case runs with: the checkpoint, the checkpoint under an overlay, or other files altogether. */
export type WeightFiles = 'checkpoint' | 'sharded' | 'grpo-lm-only' | 'full-fp32-no-pos-embed';

export interface Weights {
  readonly files: WeightFiles;
  /** As float32 variables, for gradients; otherwise frozen as they lie in the files. */
  readonly trainable: boolean;
}

/** A folder of reference numbers: manifest, checkpoint and stored tensors. */
export class Golden {
  readonly dir: string;
  readonly manifest: Manifest;
  readonly config: ModelConfig;
  readonly #files = new Map<string, TensorSource>();
  #loaded: { weights: Weights; models: GenerationModels } | null = null;

  /**
   * @param roleScape the folder with `train/<Character>` that dataset prompts are rendered from; by default the one beside
   *   the folder of reference numbers
   * @throws Error when the folder holds no manifest of a known format
   */
  constructor(
    dir: string,
    readonly roleScape = join(dir, '..', '..', 'rolescape', 'data', 'personalized_data'),
  ) {
    const path = join(dir, 'manifest.json');
    if (!existsSync(path)) throw new Error(`${path}: not found; expected a folder of reference numbers`);
    this.dir = dir;
    this.manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    if (this.manifest.format !== 'bagel-golden/1') {
      throw new Error(
        `${path}: expected format "bagel-golden/1", found ${JSON.stringify(this.manifest.format)}`,
      );
    }
    this.config = loadModelConfig(join(dir, 'checkpoint'), unifiedConfig(this.manifest.constants));
  }

  entry(id: string): CaseEntry {
    const entry = this.manifest.cases.find((c) => c.id === id);
    if (!entry) throw new Error(`${this.dir}: the manifest has no case "${id}"`);
    return entry;
  }

  json<T>(file: string): T {
    return JSON.parse(readFileSync(join(this.dir, file), 'utf8')) as T;
  }

  /** Path of a file that an input names. */
  path(file: string): string {
    return join(this.dir, file);
  }

  #source(entry: CaseEntry): TensorSource {
    const open = this.#files.get(entry.file) ?? openSafetensors(join(this.dir, entry.file));
    this.#files.set(entry.file, open);
    return open;
  }

  /** Values of a stored tensor of a case; float64 is rounded to float32. */
  read(entry: CaseEntry, name: string): Float32Array | Int32Array {
    const source = this.#source(entry);
    const key = `${entry.prefix ?? ''}${name}`;
    if (source.info(key).dtype === 'F64')
      return Float32Array.from(new Float64Array(source.bytes(key).buffer));
    return source.info(key).dtype.includes('F') ? source.readFloat32(key) : source.readInt32(key);
  }

  shape(entry: CaseEntry, name: string): readonly number[] {
    return this.#source(entry).info(`${entry.prefix ?? ''}${name}`).shape;
  }

  /** A stored float tensor; the caller disposes it. */
  tensor<T extends tf.Tensor>(entry: CaseEntry, name: string): T {
    return tf.tensor(this.read(entry, name), [...this.shape(entry, name)], 'float32') as T;
  }

  /** A stored [N, C, H, W] tensor as [N, H, W, C]; the caller disposes it. */
  channelsLast(entry: CaseEntry, name: string): tf.Tensor4D {
    return tf.tidy(() => tf.transpose(this.tensor<tf.Tensor4D>(entry, name), [0, 2, 3, 1]));
  }

  /** Loads weights, unless they are loaded, and sets the precision of inference. */
  use(weights: Weights, precision: Precision): void {
    const loaded = this.#loaded?.weights;
    if (loaded?.files !== weights.files || loaded.trainable !== weights.trainable) {
      this.#release();
      this.#loaded = { weights, models: this.#load(weights) };
    }
    this.models.model.inferencePrecision = precision;
  }

  /** Model, autoencoder and tokenizer with the weights in use. */
  get models(): GenerationModels {
    if (!this.#loaded) throw new Error('expected `use` to be called first');
    return this.#loaded.models;
  }

  /** A model of its own with the checkpoint's weights as variables; the caller disposes it. */
  trainableModel(): UnifiedModel {
    return UnifiedModel.load(this.config, this.#paths('checkpoint'), { trainable: 'all' });
  }

  #paths(files: WeightFiles): string[] {
    const main = join(this.dir, 'checkpoint', 'ema.safetensors');
    const variant = join(this.dir, 'checkpoint-variants', files);
    return files === 'checkpoint' ? [main] : files === 'grpo-lm-only' ? [variant, main] : [variant];
  }

  #load({ files, trainable }: Weights): GenerationModels {
    const checkpoint = join(this.dir, 'checkpoint');
    return {
      model: UnifiedModel.load(this.config, this.#paths(files), { trainable: trainable ? 'all' : 'none' }),
      vae: FlowVae.load(this.config.vae, join(checkpoint, 'ae.safetensors'), { trainable: 'none' }),
      tokenizer: loadTokenizer(checkpoint),
    };
  }

  #release(): void {
    this.#loaded?.models.model.dispose();
    this.#loaded?.models.vae.dispose();
    this.#loaded = null;
  }

  close(): void {
    this.#release();
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

/** The constants of the manifest under the field names of a `unified_config.json`. */
function unifiedConfig(constants: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { note: _note, ...vae } = constants.vae as Record<string, unknown>;
  return {
    latent_patch_size: constants.latent_patch_size,
    max_latent_size: constants.max_latent_size,
    vit_max_num_patch_per_side: constants.vit_max_num_patch_per_side,
    vae,
    vae_transform: constants.vae_transform,
    vit_transform: constants.vit_transform,
    vit_inference_transform: constants.vit_transform,
  };
}
