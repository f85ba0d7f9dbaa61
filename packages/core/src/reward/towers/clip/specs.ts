import { project } from '../../../model/mot-transformer.js';
import { activationOf } from '../activation.js';
import { type FrozenSpec, linearSpecs, normSpecs, type TowerWeights } from '../frozen-weights.js';
import type { PreNormBlock } from '../pre-norm-block.js';
import type { TowerConfig } from '../tower-config.js';
import type { ClipConfig } from './config.js';

/** All tensors of a published CLIP file (rewards specification §3.1, §3.2). */
export function clipSpecs({ projection, text, vision }: ClipConfig): FrozenSpec[] {
  const patches = Math.floor(vision.imageSize / vision.patch) ** 2;
  const { width, patch } = vision;
  return [
    { name: 'vision_model.embeddings.class_embedding', shape: [width] },
    { name: 'vision_model.embeddings.patch_embedding.weight', shape: [width, 3, patch, patch] },
    { name: 'vision_model.embeddings.position_embedding.weight', shape: [patches + 1, width] },
    // The misspelling is part of the published name.
    ...normSpecs('vision_model.pre_layrnorm', width),
    ...blockSpecs('vision_model', vision),
    ...normSpecs('vision_model.post_layernorm', width),
    { name: 'visual_projection.weight', shape: [projection, width] },
    { name: 'text_model.embeddings.token_embedding.weight', shape: [text.vocabulary, text.width] },
    { name: 'text_model.embeddings.position_embedding.weight', shape: [text.positions, text.width] },
    ...blockSpecs('text_model', text),
    ...normSpecs('text_model.final_layer_norm', text.width),
    { name: 'text_projection.weight', shape: [projection, text.width] },
    { name: 'logit_scale', shape: [] },
  ];
}

function blockSpecs(prefix: string, { width, inner, layers }: TowerConfig): FrozenSpec[] {
  return Array.from({ length: layers }, (_, i) => {
    const layer = `${prefix}.encoder.layers.${i}`;
    return [
      ...normSpecs(`${layer}.layer_norm1`, width),
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((name) =>
        linearSpecs(`${layer}.self_attn.${name}`, width, width),
      ),
      ...normSpecs(`${layer}.layer_norm2`, width),
      ...linearSpecs(`${layer}.mlp.fc1`, inner, width),
      ...linearSpecs(`${layer}.mlp.fc2`, width, inner),
    ];
  }).flat();
}

/** The blocks of one tower. */
export function clipBlocks(weights: TowerWeights, prefix: string, config: TowerConfig): PreNormBlock[] {
  const activation = activationOf(config.activation);
  return Array.from({ length: config.layers }, (_, i) => {
    const layer = `${prefix}.encoder.layers.${i}`;
    const [fc1, fc2] = [weights.linear(`${layer}.mlp.fc1`), weights.linear(`${layer}.mlp.fc2`)];
    return {
      norm1: weights.affine(`${layer}.layer_norm1`),
      query: weights.linear(`${layer}.self_attn.q_proj`),
      key: weights.linear(`${layer}.self_attn.k_proj`),
      value: weights.linear(`${layer}.self_attn.v_proj`),
      out: weights.linear(`${layer}.self_attn.out_proj`),
      norm2: weights.affine(`${layer}.layer_norm2`),
      feedForward: (x) => project(activation(project(x, fc1)), fc2),
    };
  });
}
