import { type FrozenSpec, linearSpecs, normSpecs } from '../frozen-weights.js';
import type { BlipConfig, BlipTextConfig, BlipVisionConfig } from './config.js';

/** All tensors of a published BLIP-VQA file (rewards specification §5.1, §5.2). */
export function blipSpecs({ vision, text }: BlipConfig): FrozenSpec[] {
  const head = 'text_decoder.cls.predictions';
  return [
    ...visionSpecs(vision),
    ...textSpecs('text_encoder', text),
    ...textSpecs('text_decoder.bert', text),
    ...linearSpecs(`${head}.transform.dense`, text.width, text.width),
    ...normSpecs(`${head}.transform.LayerNorm`, text.width),
    { name: `${head}.bias`, shape: [text.vocabulary] },
    // Absent where the output matrix is the word embedding; the bias is stored twice.
    { name: `${head}.decoder.weight`, shape: [text.vocabulary, text.width], optional: true },
    { name: `${head}.decoder.bias`, shape: [text.vocabulary], optional: true, unused: true },
  ];
}

function visionSpecs({ width, inner, layers, imageSize, patch }: BlipVisionConfig): FrozenSpec[] {
  const patches = Math.floor(imageSize / patch) ** 2;
  return [
    { name: 'vision_model.embeddings.class_embedding', shape: [1, 1, width] },
    { name: 'vision_model.embeddings.position_embedding', shape: [1, patches + 1, width] },
    { name: 'vision_model.embeddings.patch_embedding.weight', shape: [width, 3, patch, patch] },
    { name: 'vision_model.embeddings.patch_embedding.bias', shape: [width] },
    ...Array.from({ length: layers }, (_, i) => {
      const layer = `vision_model.encoder.layers.${i}`;
      return [
        ...normSpecs(`${layer}.layer_norm1`, width),
        ...linearSpecs(`${layer}.self_attn.qkv`, 3 * width, width),
        ...linearSpecs(`${layer}.self_attn.projection`, width, width),
        ...normSpecs(`${layer}.layer_norm2`, width),
        ...linearSpecs(`${layer}.mlp.fc1`, inner, width),
        ...linearSpecs(`${layer}.mlp.fc2`, width, inner),
      ];
    }).flat(),
    ...normSpecs('vision_model.post_layernorm', width),
  ];
}

function textSpecs(
  prefix: string,
  { width, inner, layers, vocabulary, positions }: BlipTextConfig,
): FrozenSpec[] {
  const attention = (name: string) => [
    ...['query', 'key', 'value'].flatMap((part) => linearSpecs(`${name}.self.${part}`, width, width)),
    ...linearSpecs(`${name}.output.dense`, width, width),
    ...normSpecs(`${name}.output.LayerNorm`, width),
  ];
  return [
    { name: `${prefix}.embeddings.word_embeddings.weight`, shape: [vocabulary, width] },
    { name: `${prefix}.embeddings.position_embeddings.weight`, shape: [positions, width] },
    ...normSpecs(`${prefix}.embeddings.LayerNorm`, width),
    ...Array.from({ length: layers }, (_, i) => {
      const layer = `${prefix}.encoder.layer.${i}`;
      return [
        ...attention(`${layer}.attention`),
        ...attention(`${layer}.crossattention`),
        ...linearSpecs(`${layer}.intermediate.dense`, inner, width),
        ...linearSpecs(`${layer}.output.dense`, width, inner),
        ...normSpecs(`${layer}.output.LayerNorm`, width),
      ];
    }).flat(),
  ];
}
