import { swiglu, type tf } from '@unicharacter/native';
import { project } from '../../../model/mot-transformer.js';
import { activationOf } from '../activation.js';
import { type FrozenSpec, type FrozenWeights, linearSpecs, normSpecs } from '../frozen-weights.js';
import type { PreNormBlock } from '../pre-norm-block.js';
import type { DinoConfig } from './config.js';

/** All tensors of a published DINOv2 file (rewards specification §4). */
export function dinoSpecs(config: DinoConfig): FrozenSpec[] {
  const { width, layers, patch, grid } = config;
  return [
    { name: 'embeddings.cls_token', shape: [1, 1, width] },
    { name: 'embeddings.mask_token', shape: [1, width], optional: true, unused: true },
    { name: 'embeddings.position_embeddings', shape: [1, grid ** 2 + 1, width] },
    { name: 'embeddings.patch_embeddings.projection.weight', shape: [width, 3, patch, patch] },
    { name: 'embeddings.patch_embeddings.projection.bias', shape: [width] },
    ...Array.from({ length: layers }, (_, i) => layerSpecs(`encoder.layer.${i}`, config)).flat(),
    ...normSpecs('layernorm', width),
  ];
}

function layerSpecs(layer: string, { width, inner, qkvBias, swiglu: gated }: DinoConfig): FrozenSpec[] {
  return [
    ...normSpecs(`${layer}.norm1`, width),
    ...['query', 'key', 'value'].flatMap((name) =>
      linearSpecs(`${layer}.attention.attention.${name}`, width, width).slice(0, qkvBias ? 2 : 1),
    ),
    ...linearSpecs(`${layer}.attention.output.dense`, width, width),
    { name: `${layer}.layer_scale1.lambda1`, shape: [width] },
    ...normSpecs(`${layer}.norm2`, width),
    ...(gated
      ? [
          ...linearSpecs(`${layer}.mlp.weights_in`, 2 * inner, width),
          ...linearSpecs(`${layer}.mlp.weights_out`, width, inner),
        ]
      : [...linearSpecs(`${layer}.mlp.fc1`, inner, width), ...linearSpecs(`${layer}.mlp.fc2`, width, inner)]),
    { name: `${layer}.layer_scale2.lambda1`, shape: [width] },
  ];
}

/** The blocks of the tower. In a gated model the input projection is split into its halves, gate first. */
export function dinoBlocks(weights: FrozenWeights, config: DinoConfig): PreNormBlock[] {
  return Array.from({ length: config.layers }, (_, i) => {
    const layer = `encoder.layer.${i}`;
    return {
      norm1: weights.affine(`${layer}.norm1`),
      query: weights.linear(`${layer}.attention.attention.query`),
      key: weights.linear(`${layer}.attention.attention.key`),
      value: weights.linear(`${layer}.attention.attention.value`),
      out: weights.linear(`${layer}.attention.output.dense`),
      scale1: weights.get(`${layer}.layer_scale1.lambda1`),
      norm2: weights.affine(`${layer}.norm2`),
      scale2: weights.get(`${layer}.layer_scale2.lambda1`),
      feedForward: config.swiglu ? gated(weights, layer) : plain(weights, layer, config),
    };
  });
}

function plain(
  weights: FrozenWeights,
  layer: string,
  { activation }: DinoConfig,
): PreNormBlock['feedForward'] {
  const [fc1, fc2] = [weights.linear(`${layer}.mlp.fc1`), weights.linear(`${layer}.mlp.fc2`)];
  const act = activationOf(activation);
  return (x) => project(act(project(x, fc1)), fc2);
}

function gated(weights: FrozenWeights, layer: string): PreNormBlock['feedForward'] {
  const input = `${layer}.mlp.weights_in`;
  for (const part of ['weight', 'bias']) {
    weights.split(`${input}.${part}`, [`${input}.gate.${part}`, `${input}.up.${part}`]);
  }
  const [gate, up] = [weights.linear(`${input}.gate`), weights.linear(`${input}.up`)];
  const out = weights.linear(`${layer}.mlp.weights_out`);
  return (x: tf.Tensor2D) => project(swiglu(project(x, gate), project(x, up)), out);
}
