import { join } from 'node:path';
import Type from 'typebox';
import { checked, readJson } from '../../../data/source.js';
import { WeightsError } from '../../../model/weight-store.js';
import { Count, type TowerConfig, towerConfig, towerFields } from '../tower-config.js';

const Id = Type.Integer({ minimum: 0 });

const BlipFile = Type.Object({
  model_type: Type.Optional(Type.Literal('blip')),
  text_config: Type.Object({
    ...towerFields,
    vocab_size: Type.Optional(Count),
    max_position_embeddings: Type.Optional(Count),
    encoder_hidden_size: Type.Optional(Count),
    bos_token_id: Type.Optional(Id),
    sep_token_id: Type.Optional(Id),
    pad_token_id: Type.Optional(Id),
  }),
  vision_config: Type.Object({
    ...towerFields,
    image_size: Type.Optional(Count),
    patch_size: Type.Optional(Count),
  }),
});

const common = { width: 768, inner: 3072, layers: 12, activation: 'gelu' } as const;
const VISION_DEFAULTS: TowerConfig = { ...common, heads: 12, normEps: 1e-5 };
/** The library's default of 8 heads is not what the published model has: its file says 12. */
const TEXT_DEFAULTS: TowerConfig = { ...common, heads: 8, normEps: 1e-12 };

export interface BlipVisionConfig extends TowerConfig {
  readonly imageSize: number;
  readonly patch: number;
}

export interface BlipTextConfig extends TowerConfig {
  readonly vocabulary: number;
  readonly positions: number;
  /** Id with which every answer starts. */
  readonly startId: number;
  /** Id that ends an answer. */
  readonly stopId: number;
  readonly padId: number;
}

export interface BlipConfig {
  readonly vision: BlipVisionConfig;
  readonly text: BlipTextConfig;
}

/**
 * Reads `config.json` of a BLIP-VQA folder. Keys that are left out have the defaults of the library that wrote the
 * published files (rewards specification §5).
 *
 * @throws DataError naming file and field, or WeightsError when sizes do not fit together
 */
export async function loadBlipConfig(folder: string): Promise<BlipConfig> {
  const path = join(folder, 'config.json');
  const { vision_config: vision, text_config: text } = checked(BlipFile, await readJson(path));
  const config: BlipConfig = {
    vision: {
      ...towerConfig(vision, VISION_DEFAULTS, `${path}: vision`),
      imageSize: vision.image_size ?? 384,
      patch: vision.patch_size ?? 16,
    },
    text: {
      ...towerConfig(text, TEXT_DEFAULTS, `${path}: text`),
      vocabulary: text.vocab_size ?? 30524,
      positions: text.max_position_embeddings ?? 512,
      startId: text.bos_token_id ?? 30522,
      stopId: text.sep_token_id ?? 102,
      padId: text.pad_token_id ?? 0,
    },
  };
  const widths = [config.vision.width, config.text.width, text.encoder_hidden_size ?? 768];
  if (new Set(widths).size > 1) {
    throw new WeightsError(
      `${path}: expected vision width, text width and encoder_hidden_size to be equal, found ${widths.join(', ')}`,
    );
  }
  return config;
}
