import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RgbImage } from '../src/image/index.js';
import { loadBlipConfig } from '../src/reward/towers/blip/config.js';
import { blipSpecs } from '../src/reward/towers/blip/specs.js';
import { loadClipConfig } from '../src/reward/towers/clip/config.js';
import { clipSpecs } from '../src/reward/towers/clip/specs.js';
import { loadDinoConfig } from '../src/reward/towers/dino/config.js';
import { dinoSpecs } from '../src/reward/towers/dino/specs.js';
import type { FrozenSpec } from '../src/reward/towers/frozen-weights.js';
import { writeSafetensors } from '../src/tensor-io/index.js';
import { ALPHABET } from '../src/tokenizer/byte-alphabet.js';
import { wave } from './tiny-model.js';

const processor = {
  size: 32,
  crop_size: { height: 28, width: 28 },
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.25, 0.25, 0.25],
};

const tower = { hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 2 };

/** A folder with the given JSON and text files. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tower-'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

export interface StoredValues {
  readonly name: string;
  readonly dtype: 'F32';
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Values for every tensor of a tower, different for each; scales of norms are near 1. */
export function valuesFor(specs: readonly FrozenSpec[]): StoredValues[] {
  return specs
    .filter(({ optional }) => !optional)
    .map(({ name, shape }, i) => {
      const count = shape.reduce((product, side) => product * side, 1);
      const isScale = /norm\w*\.weight$|lambda1$/i.test(name);
      const data = wave(count + i, 0.4).subarray(i);
      return { name, dtype: 'F32', shape, data: isScale ? data.map((value) => 1 + 0.2 * value) : data };
    });
}

export function storeWeights(folder: string, values: readonly StoredValues[]): void {
  writeSafetensors(join(folder, 'model.safetensors'), values);
}

/** A CLIP folder; `change` edits the configuration before the weights are made. */
export async function clipFolder(
  change: (config: Record<string, object>) => object = (c) => c,
): Promise<string> {
  const symbols = [...ALPHABET, ...ALPHABET.map((symbol) => `${symbol}</w>`), 'ab</w>'];
  const vocabulary = [...symbols, '<|startoftext|>', '<|endoftext|>'];
  const config = {
    projection_dim: 8,
    text_config: {
      ...tower,
      vocab_size: vocabulary.length,
      max_position_embeddings: 12,
      eos_token_id: vocabulary.length - 1,
    },
    vision_config: { ...tower, image_size: 28, patch_size: 14 },
  };
  const folder = folderOf({
    'config.json': change(config as unknown as Record<string, object>),
    'preprocessor_config.json': processor,
    'vocab.json': Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    'merges.txt': '#version: 0.2\na b</w>\n',
    'tokenizer_config.json': { model_max_length: 77 },
  });
  storeWeights(folder, valuesFor(clipSpecs(await loadClipConfig(folder))));
  return folder;
}

export async function dinoFolder(swiglu = false): Promise<string> {
  const { intermediate_size: _, ...rest } = tower;
  const config = { model_type: 'dinov2', ...rest, image_size: 42, patch_size: 14, use_swiglu_ffn: swiglu };
  const folder = folderOf({ 'config.json': config, 'preprocessor_config.json': processor });
  storeWeights(folder, valuesFor(dinoSpecs(await loadDinoConfig(folder))));
  return folder;
}

export async function blipFolder(): Promise<string> {
  const pieces = [
    '[PAD]',
    '[UNK]',
    '[CLS]',
    '[SEP]',
    '[MASK]',
    'is',
    'it',
    'red',
    'a',
    'boat',
    '##s',
    '?',
    '[START]',
  ];
  const text = {
    ...tower,
    vocab_size: pieces.length,
    max_position_embeddings: 10,
    encoder_hidden_size: 16,
    bos_token_id: pieces.length - 1,
    sep_token_id: 3,
  };
  const folder = folderOf({
    'config.json': { text_config: text, vision_config: { ...tower, image_size: 32, patch_size: 16 } },
    'preprocessor_config.json': { ...processor, size: { height: 32, width: 32 } },
    'vocab.txt': `${pieces.join('\n')}\n`,
  });
  storeWeights(folder, valuesFor(blipSpecs(await loadBlipConfig(folder))));
  return folder;
}

/** A picture of waves, another one for every seed. */
export function wavyImage(seed: number, width = 40, height = 33): RgbImage {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => 127 + 127 * Math.sin(i * 0.01 * (seed + 1)),
  );
  return { width, height, data };
}
