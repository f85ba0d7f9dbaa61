import { fileURLToPath } from 'node:url';
import { selectBackend, setStrict, tf } from '@unicharacter/native';
import { afterEach, beforeEach, expect } from 'vitest';
import type { GenerationModels } from '../src/generate/index.js';
import { loadModelConfig, type ModelConfig } from '../src/model/config.js';
import type { EncodedItem } from '../src/model/encoded-sample.js';
import { FlowVae, UnifiedModel } from '../src/model/index.js';
import { loadTokenizer } from '../src/tokenizer/index.js';

/** The backend of training and generation tests: fused kernels, nothing in plain JavaScript. */
export function useStrictNative(): void {
  selectBackend('native');
  setStrict(true);
}

const nanoFolder = fileURLToPath(new URL('../../../models/nano', import.meta.url));

const shipped = loadModelConfig(nanoFolder);

/** The nano configuration with the latents of the published model: an eighth of a picture's sides, 16 channels. */
export const nano: ModelConfig = {
  ...shipped,
  vae: {
    ...shipped.vae,
    channelMultipliers: [1, 2, 2, 4],
    resBlocks: 2,
    latentChannels: 16,
    downsample: 8,
  },
  latent: { ...shipped.latent, tokenDim: 64, pixels: 16 },
  images: { ...shipped.images, vae: { ...shipped.images.vae, stride: 16 } },
};

/** The nano configuration, narrower: tests only need its shape of computation. */
export const tiny: ModelConfig = {
  ...nano,
  llm: { ...nano.llm, hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 2, kvHeads: 1, headDim: 16 },
  vit: { ...nano.vit, hiddenSize: 32, intermediateSize: 48, layers: 1, heads: 2, headDim: 16 },
  vae: { ...nano.vae, channels: 8, channelMultipliers: [1, 1, 1, 2], resBlocks: 1 },
};

/** The tokenizer that ships with nano. */
export const tokenizer = loadTokenizer(nanoFolder);

/** A fresh tiny model, its autoencoder and tokenizer on the strict native backend; see `disposeTinyModels`. */
export function tinyModels(): GenerationModels {
  useStrictNative();
  return { model: UnifiedModel.init(tiny, 6), vae: FlowVae.init(tiny.vae, 6), tokenizer };
}

export function disposeTinyModels({ model, vae }: GenerationModels): void {
  model.dispose();
  vae.dispose();
  setStrict(false);
}

/** Asserts after every test of the file that it left no tensor behind. */
export function expectNoLeaks(): void {
  let tensors: number;
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterEach(() => expect(tf.memory().numTensors).toBe(tensors));
}

export function wave(length: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i) * scale);
}

export const textItem = (ids: number[], loss = false, droppable = false): EncodedItem => ({
  kind: 'text',
  ids,
  loss,
  droppable,
});
