import { join } from 'node:path';
import Type from 'typebox';
import { checked, readJson } from '../../../data/source.js';
import { WeightsError } from '../../../model/weight-store.js';
import { ActivationName } from '../activation.js';

const Count = Type.Integer({ minimum: 1 });

const tower = {
  hidden_size: Type.Optional(Count),
  intermediate_size: Type.Optional(Count),
  num_hidden_layers: Type.Optional(Count),
  num_attention_heads: Type.Optional(Count),
  hidden_act: Type.Optional(ActivationName),
  layer_norm_eps: Type.Optional(Type.Number()),
};

const ClipFile = Type.Object({
  model_type: Type.Optional(Type.Literal('clip')),
  projection_dim: Type.Optional(Count),
  text_config: Type.Object({
    ...tower,
    vocab_size: Type.Optional(Count),
    max_position_embeddings: Type.Optional(Count),
    eos_token_id: Type.Optional(Type.Integer()),
  }),
  vision_config: Type.Object({
    ...tower,
    image_size: Type.Optional(Count),
    patch_size: Type.Optional(Count),
    num_channels: Type.Optional(Type.Literal(3)),
  }),
});

/** What both towers of CLIP have. */
export interface ClipTowerConfig {
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly activation: ActivationName;
  readonly normEps: number;
}

export interface ClipTextConfig extends ClipTowerConfig {
  readonly vocabulary: number;
  readonly positions: number;
  /** Id that ends a text; 2 in old configurations, where the largest id ends it instead. */
  readonly endId: number;
}

export interface ClipVisionConfig extends ClipTowerConfig {
  readonly imageSize: number;
  readonly patch: number;
}

export interface ClipConfig {
  /** Width of the space that texts and pictures share. */
  readonly projection: number;
  readonly text: ClipTextConfig;
  readonly vision: ClipVisionConfig;
}

/**
 * Reads `config.json` of a CLIP folder. Keys that published files leave out have the defaults of the architecture
 * (rewards specification §3).
 *
 * @throws DataError naming file and field, or WeightsError when the heads do not divide the width
 */
export async function loadClipConfig(folder: string): Promise<ClipConfig> {
  const path = join(folder, 'config.json');
  const file = checked(ClipFile, await readJson(path));
  const { text_config: text, vision_config: vision } = file;
  const common = ({ hidden_act, layer_norm_eps }: typeof text | typeof vision) => ({
    activation: hidden_act ?? 'quick_gelu',
    normEps: layer_norm_eps ?? 1e-5,
  });
  const config: ClipConfig = {
    projection: file.projection_dim ?? 512,
    text: {
      ...common(text),
      width: text.hidden_size ?? 512,
      inner: text.intermediate_size ?? 2048,
      layers: text.num_hidden_layers ?? 12,
      heads: text.num_attention_heads ?? 8,
      vocabulary: text.vocab_size ?? 49408,
      positions: text.max_position_embeddings ?? 77,
      endId: text.eos_token_id ?? 49407,
    },
    vision: {
      ...common(vision),
      width: vision.hidden_size ?? 768,
      inner: vision.intermediate_size ?? 3072,
      layers: vision.num_hidden_layers ?? 12,
      heads: vision.num_attention_heads ?? 12,
      imageSize: vision.image_size ?? 224,
      patch: vision.patch_size ?? 32,
    },
  };
  for (const [name, { width, heads }] of Object.entries({ text: config.text, vision: config.vision })) {
    if (width % heads !== 0) {
      throw new WeightsError(`${path}: ${name}: expected a width that ${heads} heads divide, found ${width}`);
    }
  }
  return config;
}
