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

const Id = Type.Integer({ minimum: 0 });

const BlipFile = Type.Object({
  model_type: Type.Optional(Type.Literal('blip')),
  text_config: Type.Object({
    ...tower,
    vocab_size: Type.Optional(Count),
    max_position_embeddings: Type.Optional(Count),
    encoder_hidden_size: Type.Optional(Count),
    bos_token_id: Type.Optional(Id),
    sep_token_id: Type.Optional(Id),
    pad_token_id: Type.Optional(Id),
  }),
  vision_config: Type.Object({
    ...tower,
    image_size: Type.Optional(Count),
    patch_size: Type.Optional(Count),
  }),
});

interface BlipTowerConfig {
  readonly width: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly activation: ActivationName;
  readonly normEps: number;
}

export interface BlipVisionConfig extends BlipTowerConfig {
  readonly imageSize: number;
  readonly patch: number;
}

export interface BlipTextConfig extends BlipTowerConfig {
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
 * published files; mind that its default of 8 text heads is not what the published model has (rewards specification §5).
 *
 * @throws DataError naming file and field, or WeightsError when sizes do not fit together
 */
export async function loadBlipConfig(folder: string): Promise<BlipConfig> {
  const path = join(folder, 'config.json');
  const { vision_config: vision, text_config: text } = checked(BlipFile, await readJson(path));
  const common = (of: typeof vision | typeof text) => ({
    width: of.hidden_size ?? 768,
    inner: of.intermediate_size ?? 3072,
    layers: of.num_hidden_layers ?? 12,
    activation: of.hidden_act ?? 'gelu',
  });
  const config: BlipConfig = {
    vision: {
      ...common(vision),
      heads: vision.num_attention_heads ?? 12,
      normEps: vision.layer_norm_eps ?? 1e-5,
      imageSize: vision.image_size ?? 384,
      patch: vision.patch_size ?? 16,
    },
    text: {
      ...common(text),
      heads: text.num_attention_heads ?? 8,
      normEps: text.layer_norm_eps ?? 1e-12,
      vocabulary: text.vocab_size ?? 30524,
      positions: text.max_position_embeddings ?? 512,
      startId: text.bos_token_id ?? 30522,
      stopId: text.sep_token_id ?? 102,
      padId: text.pad_token_id ?? 0,
    },
  };
  for (const [name, { width, heads }] of Object.entries(config) as [string, BlipTowerConfig][]) {
    if (width % heads !== 0) {
      throw new WeightsError(`${path}: ${name}: expected a width that ${heads} heads divide, found ${width}`);
    }
  }
  const widths = [config.vision.width, config.text.width, text.encoder_hidden_size ?? 768];
  if (new Set(widths).size > 1) {
    throw new WeightsError(
      `${path}: expected vision width, text width and encoder_hidden_size to be equal, found ${widths.join(', ')}`,
    );
  }
  return config;
}
