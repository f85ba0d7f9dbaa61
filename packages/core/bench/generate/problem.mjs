// The models whose texts and pictures are timed: nano as it ships, and one of half a billion parameters in bfloat16.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomNormal, tf } from '@unicharacter/native';
import { inputValues } from '../../../native/bench/values.mjs';
import { loadModelConfig, UnifiedModel } from '../../dist/model/index.js';

const nano = () => loadModelConfig(fileURLToPath(new URL('../../../../models/nano', import.meta.url)));

/** A Qwen2-type mixture of transformers of 0.52 billion parameters: two experts of 20 layers and a vocabulary of 32,768. */
const halfBillion = () => {
  const { vit, latent, ...rest } = nano();
  const llm = { ...rest.llm, hiddenSize: 1024, intermediateSize: 2816, layers: 20, heads: 16, kvHeads: 4 };
  return {
    ...rest,
    llm: { ...llm, headDim: 64, vocabSize: 32768 },
    vit: { ...vit, hiddenSize: 32, intermediateSize: 32, layers: 1, heads: 1, headDim: 32 },
    latent: { ...latent, tokenDim: 64 },
  };
};

/**
 * What is timed: `prompt` tokens are read, then `tokens` are written; `steps` steps of a picture of side² latent tokens are
 * made under the prompt and, for guidance, under nothing.
 */
export const CASES = {
  nano: { config: nano, precision: 'float32', prompt: 128, tokens: 96, steps: 8, side: 16 },
  'half-billion': { config: halfBillion, precision: 'bf16', prompt: 128, tokens: 32, steps: 2, side: 16 },
};

export const MARKERS = { bos: 0, eos: 1, soi: 2, eoi: 3 };
/** Velocities are guided as when a picture is drawn (specification 5.5, first row). */
export const GUIDANCE = { text: 4, image: 1, interval: [0, 1], renorm: 'global', renormMin: 0 };
const SHIFT = 3;

/** Random weights, and none of them zero: heads and biases too, so that every number of a result depends on all of them. */
function randomModel(config) {
  const model = UnifiedModel.init(config, 1);
  let stream = 0;
  for (const variable of model.variables().values()) {
    stream++;
    tf.tidy(() => {
      if (tf.max(tf.abs(variable)).dataSync()[0] > 0) return;
      variable.assign(tf.mul(randomNormal(variable.shape, { seed: 2, stream, counter: 0 }), 0.02));
    });
  }
  return model;
}

/**
 * Weights and inputs of a case in a folder, written unless they lie there; another program finds in the file everything that
 * it needs to compute the same.
 */
export function writtenProblem(dir, name) {
  const file = join(dir, `${name}.json`);
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(makeProblem(dir, name)));
  return { file, problem: JSON.parse(readFileSync(file, 'utf8')) };
}

function makeProblem(dir, name) {
  const { config: make, precision, prompt, tokens, steps, side } = CASES[name];
  const config = make();
  const weights = join(dir, `${name}.safetensors`);
  const model = randomModel(config);
  model.save(weights, precision === 'bf16' ? 'BF16' : 'F32');
  const parameters = [...model.tensors().values()].reduce((sum, { size }) => sum + size, 0);
  model.dispose();
  const floats = (size, seed, range) => [...inputValues({ shape: [size], dtype: 'float32', range }, seed)];
  return {
    name,
    weights,
    parameters,
    precision,
    config: { ...config.llm, tokenWidth: config.latent.tokenDim },
    maxSide: config.latent.maxSide,
    markers: MARKERS,
    prompt: floats(prompt, 7, [4, config.llm.vocabSize]).map(Math.floor),
    tokens,
    side,
    noise: floats(side * side * config.latent.tokenDim, 8, [-1.7, 1.7]),
    grid: Array.from({ length: steps + 1 }, (_, i) => {
      const t = 1 - i / (steps + 1);
      return (SHIFT * t) / (1 + (SHIFT - 1) * t);
    }),
    guidance: GUIDANCE,
  };
}
