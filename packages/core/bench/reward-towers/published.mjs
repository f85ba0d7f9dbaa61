/** Folders with the configurations of the published towers and random weights. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../dist/index.js';
import { loadBlipConfig } from '../../dist/reward/towers/blip/config.js';
import { blipSpecs } from '../../dist/reward/towers/blip/specs.js';
import { loadClipConfig } from '../../dist/reward/towers/clip/config.js';
import { clipSpecs } from '../../dist/reward/towers/clip/specs.js';
import { loadDinoConfig } from '../../dist/reward/towers/dino/config.js';
import { dinoSpecs } from '../../dist/reward/towers/dino/specs.js';

const mean = [0.48145466, 0.4578275, 0.40821073];
const std = [0.26862954, 0.26130258, 0.27577711];
const processor = { image_mean: mean, image_std: std };

const bytes = Array.from({ length: 256 }, (_, byte) => byte);
const printable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
/** GPT-2's printable symbols of all bytes. */
const symbols = [
  ...bytes.filter(printable).map((byte) => String.fromCharCode(byte)),
  ...bytes.filter((byte) => !printable(byte)).map((_, i) => String.fromCharCode(256 + i)),
];
const clipWords = [
  ...symbols,
  ...symbols.map((symbol) => `${symbol}</w>`),
  ...Array.from({ length: 48_894 }, (_, i) => `unused${i}`),
  '<|startoftext|>',
  '<|endoftext|>',
];
const blipWords = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'what', 'color', 'is', 'the', 'hat', '?'];

const blipText = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  vocab_size: 30524,
  encoder_hidden_size: 768,
  bos_token_id: 30522,
  sep_token_id: 3,
};

/** Files of each tower besides its weights, and how its tensors are found. */
const TOWERS = {
  clip: {
    files: {
      'config.json': {
        model_type: 'clip',
        projection_dim: 768,
        text_config: {
          hidden_size: 768,
          intermediate_size: 3072,
          num_hidden_layers: 12,
          num_attention_heads: 12,
          eos_token_id: 2,
        },
        vision_config: {
          hidden_size: 1024,
          intermediate_size: 4096,
          num_hidden_layers: 24,
          num_attention_heads: 16,
          image_size: 224,
          patch_size: 14,
        },
      },
      'preprocessor_config.json': { ...processor, size: 224, crop_size: 224 },
      'vocab.json': Object.fromEntries(clipWords.map((word, id) => [word, id])),
      'merges.txt': '#version: 0.2\n',
      'tokenizer_config.json': { model_max_length: 77 },
    },
    specs: async (folder) => clipSpecs(await loadClipConfig(folder)),
  },
  dino: {
    files: {
      'config.json': {
        model_type: 'dinov2',
        hidden_size: 768,
        num_hidden_layers: 12,
        num_attention_heads: 12,
        image_size: 518,
        patch_size: 14,
      },
      'preprocessor_config.json': { ...processor, size: { shortest_edge: 256 }, crop_size: 224 },
    },
    specs: async (folder) => dinoSpecs(await loadDinoConfig(folder)),
  },
  blip: {
    files: {
      'config.json': { model_type: 'blip', text_config: blipText, vision_config: {} },
      'preprocessor_config.json': { ...processor, size: { height: 384, width: 384 } },
      'vocab.txt': `${blipWords.join('\n')}\n`,
    },
    specs: async (folder) => blipSpecs(await loadBlipConfig(folder)),
  },
  lpips: {
    files: {},
    specs: async () =>
      [
        [0, 3, 64, 11],
        [3, 64, 192, 5],
        [6, 192, 384, 3],
        [8, 384, 256, 3],
        [10, 256, 256, 3],
      ].flatMap(([index, inputs, outputs, kernel], tap) => [
        { name: `features.${index}.weight`, shape: [outputs, inputs, kernel, kernel] },
        { name: `features.${index}.bias`, shape: [outputs] },
        { name: `lin${tap}.model.1.weight`, shape: [1, outputs, 1, 1] },
      ]),
  },
};

/** Writes the folder of a tower, unless it is there. */
export async function towerFolder(root, name) {
  const folder = join(root, name);
  const weights = join(folder, 'model.safetensors');
  if (existsSync(weights)) return folder;
  mkdirSync(folder, { recursive: true });
  const { files, specs } = TOWERS[name];
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  const stored = (await specs(folder)).filter(({ optional }) => !optional).map(randomTensor);
  writeSafetensors(weights, stored, { format: 'pt' });
  return folder;
}

/** Uniform values of the scale that keeps activations of order one; scales of norms are one. */
function randomTensor({ name, shape }, seed) {
  const count = shape.reduce((product, side) => product * side, 1);
  return {
    name,
    dtype: 'F32',
    shape,
    get data() {
      if (/norm\w*\.weight$|lambda1$/i.test(name)) return new Float32Array(count).fill(1);
      const bound = shape.length > 1 ? Math.sqrt(3 / (count / shape[0])) : 0.02;
      let state = seed + 1;
      return Float32Array.from({ length: count }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return bound * (state / 2 ** 31 - 1);
      });
    },
  };
}
