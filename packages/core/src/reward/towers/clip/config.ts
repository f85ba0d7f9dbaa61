import { join } from 'node:path';
import Type from 'typebox';
import { checked, readJson } from '../../../data/source.js';
import { Count, type TowerConfig, towerConfig, towerFields } from '../tower-config.js';

const ClipFile = Type.Object({
  model_type: Type.Optional(Type.Literal('clip')),
  projection_dim: Type.Optional(Count),
  text_config: Type.Object({
    ...towerFields,
    vocab_size: Type.Optional(Count),
    max_position_embeddings: Type.Optional(Count),
    eos_token_id: Type.Optional(Type.Integer()),
  }),
  vision_config: Type.Object({
    ...towerFields,
    image_size: Type.Optional(Count),
    patch_size: Type.Optional(Count),
    num_channels: Type.Optional(Type.Literal(3)),
  }),
});

const common = { layers: 12, activation: 'quick_gelu', normEps: 1e-5 } as const;
const TEXT_DEFAULTS: TowerConfig = { ...common, width: 512, inner: 2048, heads: 8 };
const VISION_DEFAULTS: TowerConfig = { ...common, width: 768, inner: 3072, heads: 12 };

export interface ClipTextConfig extends TowerConfig {
  readonly vocabulary: number;
  readonly positions: number;
  /** Id that ends a text; 2 in old configurations, where the largest id ends it instead. */
  readonly endId: number;
}

export interface ClipVisionConfig extends TowerConfig {
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
  return {
    projection: file.projection_dim ?? 512,
    text: {
      ...towerConfig(text, TEXT_DEFAULTS, `${path}: text`),
      vocabulary: text.vocab_size ?? 49408,
      positions: text.max_position_embeddings ?? 77,
      endId: text.eos_token_id ?? 49407,
    },
    vision: {
      ...towerConfig(vision, VISION_DEFAULTS, `${path}: vision`),
      imageSize: vision.image_size ?? 224,
      patch: vision.patch_size ?? 32,
    },
  };
}
