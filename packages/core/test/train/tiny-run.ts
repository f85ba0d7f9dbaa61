import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const nano = join(repository, 'models/nano');

/** The bundled character. */
export const characterFolder = join(repository, 'examples/olmo/train/Olmo');

/** A scratch folder with a base model of a few ten thousand weights, and pictures of 32 × 32. */
export function tinyWorld(): { root: string; base: string } {
  const root = mkdtempSync(join(tmpdir(), 'train-'));
  const base = join(root, 'base');
  mkdirSync(base);
  for (const file of ['tokenizer.json', 'vocab.json', 'merges.txt', 'tokenizer_config.json']) {
    cpSync(join(nano, file), join(base, file));
  }
  changed(base, 'llm_config.json', {
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
  });
  changed(base, 'vit_config.json', {
    hidden_size: 16,
    intermediate_size: 32,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    image_size: 28,
  });
  const vit = { max: 28, min: 28, stride: 14, max_pixels: 784 };
  changed(base, 'unified_config.json', {
    max_latent_size: 8,
    vit_max_num_patch_per_side: 2,
    vae: { ch: 8, ch_mult: [1, 2], num_res_blocks: 1, z_channels: 4, group_norm_groups: 4 },
    vae_transform: { max: 32, min: 32, stride: 4, max_pixels: 1024 },
    vit_transform: vit,
    vit_inference_transform: vit,
    default_image_size: [32, 32],
  });
  return { root, base };
}

/** Options of a run of a few seconds: `vaeSteps`, then `sftSteps`. */
export function tinyOptions(base: string, out: string): Record<string, unknown> {
  return {
    data: characterFolder,
    base,
    out,
    'image.size': 32,
    'vae.steps': 8,
    'vae.batchSize': 2,
    'vae.crop': 16,
    'vae.optimizer.warmupSteps': 2,
    'sft.steps': 30,
    'sft.tokensPerPack': 320,
    'sft.optimizer.lr': 0.005,
    'sft.optimizer.warmupSteps': 2,
    'sft.emaDecay': 0.9,
    'checkpoints.every': 5,
    'checkpoints.keep': 2,
    'samples.every': 0,
    'samples.talk': ['Hello!'],
    'samples.draw': ['Olmo waving'],
    'generate.text.maxTokens': 4,
    'generate.image.steps': 3,
  };
}

function changed(base: string, file: string, change: Record<string, unknown>): void {
  const fields = JSON.parse(readFileSync(join(nano, file), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(base, file), JSON.stringify({ ...fields, ...change }));
}
