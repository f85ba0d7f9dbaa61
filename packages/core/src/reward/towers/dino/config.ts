import { join } from 'node:path';
import Type from 'typebox';
import { checked, readJson } from '../../../data/source.js';
import { ActivationName } from '../activation.js';
import { Count, checkHeads } from '../tower-config.js';

const DinoFile = Type.Object({
  model_type: Type.Literal('dinov2'),
  hidden_size: Count,
  num_hidden_layers: Count,
  num_attention_heads: Count,
  mlp_ratio: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  hidden_act: Type.Optional(ActivationName),
  layer_norm_eps: Type.Optional(Type.Number()),
  image_size: Count,
  patch_size: Count,
  num_channels: Type.Optional(Type.Literal(3)),
  qkv_bias: Type.Optional(Type.Boolean()),
  use_swiglu_ffn: Type.Optional(Type.Boolean()),
});

export interface DinoConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the feed-forward part. */
  readonly inner: number;
  readonly activation: ActivationName;
  readonly normEps: number;
  readonly patch: number;
  /** Side of the learned position grid. */
  readonly grid: number;
  /** Whether query, key and value have a bias. */
  readonly qkvBias: boolean;
  /** Gated feed-forward part, as in the giant model. */
  readonly swiglu: boolean;
}

/**
 * Reads `config.json` of a DINOv2 folder (rewards specification §4).
 *
 * @throws DataError naming file and field, or WeightsError when the heads do not divide the width
 */
export async function loadDinoConfig(folder: string): Promise<DinoConfig> {
  const path = join(folder, 'config.json');
  const file = checked(DinoFile, await readJson(path));
  const width = file.hidden_size;
  const heads = file.num_attention_heads;
  checkHeads({ width, heads }, path);
  const swiglu = file.use_swiglu_ffn ?? false;
  const inner = Math.trunc(width * (file.mlp_ratio ?? 4));
  return {
    width,
    heads,
    layers: file.num_hidden_layers,
    inner: swiglu ? Math.ceil(Math.trunc((inner * 2) / 3) / 8) * 8 : inner,
    activation: file.hidden_act ?? 'gelu',
    normEps: file.layer_norm_eps ?? 1e-6,
    patch: file.patch_size,
    grid: Math.floor(file.image_size / file.patch_size),
    qkvBias: file.qkv_bias ?? true,
    swiglu,
  };
}
