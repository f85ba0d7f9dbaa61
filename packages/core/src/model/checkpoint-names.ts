import { type ModelConfig, TIMESTEP_FEATURES, type VaeConfig } from './config.js';

/** How a fresh weight is filled. `table` weights are computed, never trained (spec 2.10). */
export type Initializer =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'table'; readonly side: number };

/** One tensor of a checkpoint: its published name, the shape in the file, and how to fill it without a file. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
}

/** The two experts of a layer (spec 2.5): text, markers and ViT patches; VAE latents. */
export type Expert = 'und' | 'gen';

/** Suffix of the published names of the generation expert. */
const GEN = '_moe_gen';

const suffix = (expert: Expert) => (expert === 'gen' ? GEN : '');

/** Published names of one expert of layer `index`. The suffix sits on projections and norms, but on the MLP's container. */
export function layerNames(index: number, expert: Expert) {
  const s = suffix(expert);
  const layer = `language_model.model.layers.${index}`;
  const attention = `${layer}.self_attn`;
  return {
    q: `${attention}.q_proj${s}`,
    k: `${attention}.k_proj${s}`,
    v: `${attention}.v_proj${s}`,
    o: `${attention}.o_proj${s}`,
    qNorm: `${attention}.q_norm${s}.weight`,
    kNorm: `${attention}.k_norm${s}.weight`,
    gate: `${layer}.mlp${s}.gate_proj`,
    up: `${layer}.mlp${s}.up_proj`,
    down: `${layer}.mlp${s}.down_proj`,
    inputNorm: `${layer}.input_layernorm${s}.weight`,
    postNorm: `${layer}.post_attention_layernorm${s}.weight`,
  } as const;
}

/** Published name of the final norm of an expert. */
export const finalNormName = (expert: Expert) => `language_model.model.norm${suffix(expert)}.weight`;

export const EMBEDDING_NAME = 'language_model.model.embed_tokens.weight';
export const HEAD_NAME = 'language_model.lm_head.weight';
export const VIT_TABLE_NAME = 'vit_pos_embed.pos_embed';
export const LATENT_TABLE_NAME = 'latent_pos_embed.pos_embed';
export const VIT_PREFIX = 'vit_model.vision_model';

/** Names of modules that hold `.weight` and `.bias` and join the towers to the language model. */
export const BRIDGES = {
  connector1: 'connector.fc1',
  connector2: 'connector.fc2',
  time1: 'time_embedder.mlp.0',
  time2: 'time_embedder.mlp.2',
  latentIn: 'vae2llm',
  latentOut: 'llm2vae',
} as const;

/**
 * The published name of a key found in a file. Files of the language model alone lack the `language_model.` prefix
 * (spec 1.7 rule 1).
 */
export function publishedName(key: string): string {
  return key.startsWith('model.') || key.startsWith('lm_head.') ? `language_model.${key}` : key;
}

/** Does this weight belong to the generation expert? Those are what Character-GRPO trains (spec 7.3). */
export const isGenerationExpert = (name: string) => name.includes(GEN);

const normal = (std: number): Initializer => ({ kind: 'normal', std });
const zeros: Initializer = { kind: 'zeros' };
const ones: Initializer = { kind: 'ones' };

function linearSpecs(name: string, out: number, input: number, init: Initializer, bias = true): TensorSpec[] {
  const weight = { name: `${name}.weight`, shape: [out, input], init };
  return bias ? [weight, { name: `${name}.bias`, shape: [out], init: zeros }] : [weight];
}

function normSpecs(name: string, width: number): TensorSpec[] {
  return [
    { name: `${name}.weight`, shape: [width], init: ones },
    { name: `${name}.bias`, shape: [width], init: zeros },
  ];
}

/**
 * Every tensor of the unified model without the VAE, in the layout of the published `ema.safetensors` (spec 1.5).
 * Linear weights are [out, in]. Fresh weights: normal with the configured deviation, projections that write to the
 * residual stream smaller by √(2·layers), the velocity head zero.
 */
export function modelTensors(config: ModelConfig): TensorSpec[] {
  const { llm } = config;
  const d = llm.hiddenSize;
  const specs: TensorSpec[] = [
    { name: EMBEDDING_NAME, shape: [llm.vocabSize, d], init: normal(llm.initializerRange) },
  ];
  for (let i = 0; i < llm.layers; i++)
    specs.push(...expertTensors(config, i, 'und'), ...expertTensors(config, i, 'gen'));
  specs.push(
    { name: finalNormName('und'), shape: [d], init: ones },
    { name: finalNormName('gen'), shape: [d], init: ones },
    { name: HEAD_NAME, shape: [llm.vocabSize, d], init: normal(llm.initializerRange) },
    ...visionTensors(config),
    ...bridgeTensors(config),
  );
  return specs;
}

function expertTensors(config: ModelConfig, index: number, expert: Expert): TensorSpec[] {
  const { hiddenSize: d, intermediateSize, heads, kvHeads, headDim, layers, initializerRange } = config.llm;
  const n = layerNames(index, expert);
  const std = normal(initializerRange);
  const residual = normal(initializerRange / Math.sqrt(2 * layers));
  return [
    ...linearSpecs(n.q, heads * headDim, d, std),
    ...linearSpecs(n.k, kvHeads * headDim, d, std),
    ...linearSpecs(n.v, kvHeads * headDim, d, std),
    ...linearSpecs(n.o, d, heads * headDim, residual, false),
    { name: n.qNorm, shape: [headDim], init: ones },
    { name: n.kNorm, shape: [headDim], init: ones },
    ...linearSpecs(n.gate, intermediateSize, d, std, false),
    ...linearSpecs(n.up, intermediateSize, d, std, false),
    ...linearSpecs(n.down, d, intermediateSize, residual, false),
    { name: n.inputNorm, shape: [d], init: ones },
    { name: n.postNorm, shape: [d], init: ones },
  ];
}

function visionTensors(config: ModelConfig): TensorSpec[] {
  const { hiddenSize: d, intermediateSize, layers, patchSize, channels, patchesPerSide } = config.vit;
  const pixels = patchSize * patchSize * channels;
  const std = normal(1 / Math.sqrt(d));
  const specs: TensorSpec[] = [
    ...linearSpecs(`${VIT_PREFIX}.embeddings.patch_embedding`, d, pixels, normal(1 / Math.sqrt(pixels))),
    {
      name: `${VIT_PREFIX}.embeddings.position_embedding.weight`,
      shape: [patchesPerSide ** 2, d],
      init: normal(0.02),
    },
  ];
  for (let i = 0; i < layers; i++) {
    const layer = `${VIT_PREFIX}.encoder.layers.${i}`;
    specs.push(...normSpecs(`${layer}.layer_norm1`, d), ...normSpecs(`${layer}.layer_norm2`, d));
    for (const p of ['q', 'k', 'v', 'out'])
      specs.push(...linearSpecs(`${layer}.self_attn.${p}_proj`, d, d, std));
    specs.push(...linearSpecs(`${layer}.mlp.fc1`, intermediateSize, d, std));
    specs.push(
      ...linearSpecs(`${layer}.mlp.fc2`, d, intermediateSize, normal(1 / Math.sqrt(intermediateSize))),
    );
  }
  specs.push(...normSpecs(`${VIT_PREFIX}.post_layernorm`, d));
  return specs;
}

function bridgeTensors(config: ModelConfig): TensorSpec[] {
  const { llm, vit, latent } = config;
  const d = llm.hiddenSize;
  const std = normal(llm.initializerRange);
  return [
    ...linearSpecs(BRIDGES.connector1, d, vit.hiddenSize, std),
    ...linearSpecs(BRIDGES.connector2, d, d, std),
    {
      name: VIT_TABLE_NAME,
      shape: [vit.patchesPerSide ** 2, d],
      init: { kind: 'table', side: vit.patchesPerSide },
    },
    ...linearSpecs(BRIDGES.time1, d, TIMESTEP_FEATURES, std),
    ...linearSpecs(BRIDGES.time2, d, d, std),
    ...linearSpecs(BRIDGES.latentIn, d, latent.tokenDim, std),
    ...linearSpecs(BRIDGES.latentOut, latent.tokenDim, d, zeros),
    {
      name: LATENT_TABLE_NAME,
      shape: [latent.maxSide ** 2, d],
      init: { kind: 'table', side: latent.maxSide },
    },
  ];
}

/** Every tensor of the autoencoder in the layout of the published `ae.safetensors`, convolutions OIHW (spec 1.6). */
export function vaeTensors(config: VaeConfig): TensorSpec[] {
  return [...encoderTensors(config), ...decoderTensors(config)];
}

function convSpecs(name: string, out: number, input: number, kernel: number): TensorSpec[] {
  return [
    {
      name: `${name}.weight`,
      shape: [out, input, kernel, kernel],
      init: normal(1 / Math.sqrt(input * kernel * kernel)),
    },
    { name: `${name}.bias`, shape: [out], init: zeros },
  ];
}

function resBlockSpecs(name: string, input: number, out: number): TensorSpec[] {
  return [
    ...normSpecs(`${name}.norm1`, input),
    ...convSpecs(`${name}.conv1`, out, input, 3),
    ...normSpecs(`${name}.norm2`, out),
    ...convSpecs(`${name}.conv2`, out, out, 3),
    ...(input === out ? [] : convSpecs(`${name}.nin_shortcut`, out, input, 1)),
  ];
}

function midSpecs(name: string, width: number): TensorSpec[] {
  return [
    ...resBlockSpecs(`${name}.block_1`, width, width),
    ...normSpecs(`${name}.attn_1.norm`, width),
    ...['q', 'k', 'v', 'proj_out'].flatMap((p) => convSpecs(`${name}.attn_1.${p}`, width, width, 1)),
    ...resBlockSpecs(`${name}.block_2`, width, width),
  ];
}

function encoderTensors(config: VaeConfig): TensorSpec[] {
  const widths = config.channelMultipliers.map((m) => m * config.channels);
  const specs = convSpecs('encoder.conv_in', config.channels, 3, 3);
  let width = config.channels;
  widths.forEach((out, level) => {
    for (let block = 0; block < config.resBlocks; block++) {
      specs.push(...resBlockSpecs(`encoder.down.${level}.block.${block}`, width, out));
      width = out;
    }
    if (level < widths.length - 1)
      specs.push(...convSpecs(`encoder.down.${level}.downsample.conv`, width, width, 3));
  });
  specs.push(
    ...midSpecs('encoder.mid', width),
    ...normSpecs('encoder.norm_out', width),
    ...convSpecs('encoder.conv_out', 2 * config.latentChannels, width, 3),
  );
  return specs;
}

function decoderTensors(config: VaeConfig): TensorSpec[] {
  const widths = config.channelMultipliers.map((m) => m * config.channels);
  let width = widths.at(-1) as number;
  const specs = [
    ...convSpecs('decoder.conv_in', width, config.latentChannels, 3),
    ...midSpecs('decoder.mid', width),
  ];
  for (let level = widths.length - 1; level >= 0; level--) {
    const out = widths[level] as number;
    for (let block = 0; block <= config.resBlocks; block++) {
      specs.push(...resBlockSpecs(`decoder.up.${level}.block.${block}`, width, out));
      width = out;
    }
    if (level > 0) specs.push(...convSpecs(`decoder.up.${level}.upsample.conv`, width, width, 3));
  }
  specs.push(...normSpecs('decoder.norm_out', width), ...convSpecs('decoder.conv_out', 3, width, 3));
  return specs;
}
