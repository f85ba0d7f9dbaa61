import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PUBLISHED_RESIZE_RULES, type ResizeRule } from '../image/index.js';
import { JsonFields, ModelConfigError } from './json-fields.js';
import { PUBLISHED_CONSTANTS } from './published-constants.js';

/** Qwen2 language model with two experts per layer (spec 1.2, 1.5). */
export interface LanguageModelConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** hiddenSize / heads */
  readonly headDim: number;
  /** Rows of the embedding table and of the output head; more than the tokenizer has entries. */
  readonly vocabSize: number;
  readonly normEps: number;
  readonly ropeTheta: number;
  readonly maxPositions: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}

/** NaViT SigLIP tower (spec 1.3, 2.9). */
export interface VisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Layers that are built: one fewer than the file says. */
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  readonly patchSize: number;
  readonly channels: number;
  readonly normEps: number;
  /** Side of both position tables: the learned one of the tower and the sin-cos one of the language model. */
  readonly patchesPerSide: number;
}

/** FLUX variational autoencoder (spec 1.6, 3.1). */
export interface VaeConfig {
  readonly channels: number;
  readonly channelMultipliers: readonly number[];
  /** Residual blocks per encoder level; the decoder has one more. */
  readonly resBlocks: number;
  readonly latentChannels: number;
  readonly groups: number;
  /** Latents of the language model are `scale * (z - shift)`. */
  readonly scale: number;
  readonly shift: number;
  /** Pixels per latent cell and side: 2^(levels-1). */
  readonly downsample: number;
}

/** How latent cells become tokens of the language model (spec 2.12). */
export interface LatentConfig {
  readonly patch: number;
  /** Side of the latent position table, also its row stride. */
  readonly maxSide: number;
  /** patch² · latent channels: width of a latent token. */
  readonly tokenDim: number;
  /** Pixels per latent token and side. */
  readonly pixels: number;
}

/** Resize rules of the image paths (spec 3.2). */
export interface ImageRules {
  readonly vae: ResizeRule;
  /** ViT inputs of training samples. */
  readonly vitTraining: ResizeRule;
  /** ViT inputs of a user's images. */
  readonly vitInference: ResizeRule;
  /** Size of a drawn picture when nobody asks for another. */
  readonly defaultSize: { readonly width: number; readonly height: number };
}

/** Everything that fixes the shapes and the function of a unified model. */
export interface ModelConfig {
  readonly llm: LanguageModelConfig;
  readonly vit: VisionConfig;
  readonly vae: VaeConfig;
  readonly latent: LatentConfig;
  readonly images: ImageRules;
}

/** Width of the sinusoidal time-step features (spec 2.11). */
export const TIMESTEP_FEATURES = 256;

/** The configuration files of a model folder; the last one is optional. */
export const MODEL_CONFIG_FILES = ['llm_config.json', 'vit_config.json', 'unified_config.json'] as const;

/**
 * Reads `llm_config.json`, `vit_config.json` and, if present, `unified_config.json` of a model folder.
 *
 * The third file is this project's own: it overrides the constants that no published file holds (spec 1.4) and has
 * the field names that `readUnified` below lists. Values that the loaders of the published weights force, whatever
 * the files say, are forced here too: q/k-norm on, untied embeddings, one vision layer fewer (spec 1.2, 1.3).
 *
 * @param overrides content of a `unified_config.json` that replaces the one in the folder
 * @throws ModelConfigError naming file and field: missing, of the wrong kind, or a feature that is not supported
 */
export function loadModelConfig(dir: string, overrides?: Record<string, unknown>): ModelConfig {
  const unifiedPath = join(dir, 'unified_config.json');
  const unified = overrides
    ? new JsonFields(overrides, 'unified configuration')
    : existsSync(unifiedPath)
      ? JsonFields.fromFile(unifiedPath)
      : new JsonFields({}, 'unified configuration');
  const llm = readLanguageModel(JsonFields.fromFile(join(dir, 'llm_config.json')), dir);
  const vit = readVision(JsonFields.fromFile(join(dir, 'vit_config.json')), dir);
  return readUnified(unified, llm, vit);
}

function readLanguageModel(fields: JsonFields, dir: string): LanguageModelConfig {
  fields.mustBe('model_type', ['qwen2']);
  fields.mustBe('hidden_act', ['silu']);
  fields.mustBe('rope_scaling', []);
  fields.mustBe('use_sliding_window', [false]);
  fields.mustBe('attention_dropout', [0]);
  const hiddenSize = fields.count('hidden_size');
  const heads = fields.count('num_attention_heads');
  const kvHeads = fields.count('num_key_value_heads');
  const config = {
    hiddenSize,
    intermediateSize: fields.count('intermediate_size'),
    layers: fields.count('num_hidden_layers'),
    heads,
    kvHeads,
    headDim: hiddenSize / heads,
    vocabSize: fields.count('vocab_size'),
    normEps: fields.number('rms_norm_eps'),
    ropeTheta: fields.number('rope_theta'),
    maxPositions: fields.count('max_position_embeddings'),
    initializerRange: fields.number('initializer_range', 0.02),
  };
  if (!Number.isInteger(config.headDim) || config.headDim % 2 !== 0) {
    throw new ModelConfigError(
      `${join(dir, 'llm_config.json')}: hidden_size ${hiddenSize} over num_attention_heads ${heads} must be an even whole head size`,
    );
  }
  if (heads % kvHeads !== 0) {
    throw new ModelConfigError(
      `${join(dir, 'llm_config.json')}: num_attention_heads ${heads} must be a multiple of num_key_value_heads ${kvHeads}`,
    );
  }
  if (hiddenSize % 4 !== 0) {
    throw new ModelConfigError(
      `${join(dir, 'llm_config.json')}: hidden_size ${hiddenSize} must be a multiple of 4 (two-dimensional position tables)`,
    );
  }
  return config;
}

function readVision(
  fields: JsonFields,
  dir: string,
): Omit<VisionConfig, 'patchesPerSide'> & { side: number } {
  fields.mustBe('model_type', ['siglip_vision_model']);
  fields.mustBe('hidden_act', ['gelu_pytorch_tanh']);
  fields.mustBe('attention_dropout', [0]);
  const hiddenSize = fields.count('hidden_size');
  const heads = fields.count('num_attention_heads');
  const layersInFile = fields.count('num_hidden_layers');
  const patchSize = fields.count('patch_size');
  const side = Math.floor(fields.count('image_size') / patchSize);
  if (hiddenSize % heads !== 0 || layersInFile < 2 || side < 1) {
    throw new ModelConfigError(
      `${join(dir, 'vit_config.json')}: expected hidden_size divisible by num_attention_heads, at least 2 layers and ` +
        `an image of at least one patch; found ${hiddenSize} / ${heads}, ${layersInFile} layers, ${side} patches per side`,
    );
  }
  return {
    hiddenSize,
    intermediateSize: fields.count('intermediate_size'),
    layers: layersInFile - 1,
    heads,
    headDim: hiddenSize / heads,
    patchSize,
    channels: fields.count('num_channels', 3),
    normEps: fields.number('layer_norm_eps', 1e-6),
    side,
  };
}

/** The constants that no published file holds, with the published values as defaults (spec 1.4, 1.6, 3.2). */
function readUnified(
  fields: JsonFields,
  llm: LanguageModelConfig,
  tower: Omit<VisionConfig, 'patchesPerSide'> & { side: number },
): ModelConfig {
  const vae = readVae(fields.object('vae'));
  const patch = fields.count('latent_patch_size', PUBLISHED_CONSTANTS.latent_patch_size);
  const { side, ...vit } = tower;
  const [width, height] = fields.counts('default_image_size', PUBLISHED_CONSTANTS.default_image_size);
  const config: ModelConfig = {
    llm,
    vit: { ...vit, patchesPerSide: fields.count('vit_max_num_patch_per_side', side) },
    vae,
    latent: {
      patch,
      maxSide: fields.count('max_latent_size', PUBLISHED_CONSTANTS.max_latent_size),
      tokenDim: patch * patch * vae.latentChannels,
      pixels: patch * vae.downsample,
    },
    images: {
      vae: readRule(fields.object('vae_transform'), PUBLISHED_RESIZE_RULES.vae),
      vitTraining: readRule(fields.object('vit_transform'), PUBLISHED_RESIZE_RULES.vitTraining),
      vitInference: readRule(fields.object('vit_inference_transform'), PUBLISHED_RESIZE_RULES.vitInference),
      defaultSize: { width: width as number, height: height ?? (width as number) },
    },
  };
  fields.finish();
  checkRules(config);
  return config;
}

function readVae(fields: JsonFields): VaeConfig {
  const published = PUBLISHED_CONSTANTS.vae;
  const channelMultipliers = fields.counts('ch_mult', published.ch_mult);
  const config = {
    channels: fields.count('ch', published.ch),
    channelMultipliers,
    resBlocks: fields.count('num_res_blocks', published.num_res_blocks),
    latentChannels: fields.count('z_channels', published.z_channels),
    groups: fields.count('group_norm_groups', published.group_norm_groups),
    scale: fields.number('scale_factor', published.scale_factor),
    shift: fields.number('shift_factor', published.shift_factor),
    downsample: 2 ** (channelMultipliers.length - 1),
  };
  fields.finish();
  const widths = channelMultipliers.map((m) => m * config.channels);
  const bad = widths.find((w) => w % config.groups !== 0);
  if (bad !== undefined) {
    throw new ModelConfigError(
      `unified configuration: vae: a level of ${bad} channels cannot be split into ${config.groups} groups; ` +
        'change ch, ch_mult or group_norm_groups',
    );
  }
  return config;
}

function readRule(fields: JsonFields, published: ResizeRule): ResizeRule {
  const rule = {
    maxSize: fields.count('max', published.maxSize),
    minSize: fields.count('min', published.minSize),
    stride: fields.count('stride', published.stride),
    maxPixels: fields.count('max_pixels', published.maxPixels),
  };
  fields.finish();
  return rule;
}

function checkRules(config: ModelConfig): void {
  const { images, latent, vit } = config;
  const checks: [string, ResizeRule, number, number][] = [
    ['vae_transform', images.vae, latent.pixels, latent.maxSide],
    ['vit_transform', images.vitTraining, vit.patchSize, vit.patchesPerSide],
    ['vit_inference_transform', images.vitInference, vit.patchSize, vit.patchesPerSide],
  ];
  for (const [name, rule, unit, side] of checks) {
    if (rule.stride % unit !== 0 || rule.maxSize > unit * side) {
      throw new ModelConfigError(
        `unified configuration: ${name}: stride ${rule.stride} must be a multiple of ${unit} pixels and max ${rule.maxSize} ` +
          `at most ${unit * side} (a position table of ${side} per side)`,
      );
    }
  }
}
