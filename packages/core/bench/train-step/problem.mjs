// The training step that is measured: a 12-layer mixture of transformers and one packed row of 1,024 tokens.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputValues } from '../../../native/bench/values.mjs';
import { packRow, UnifiedModel } from '../../dist/model/index.js';
import { attentionArrays } from '../../dist/model/pack-row.js';

const TOKEN_WIDTH = 64;

/** Qwen2-type block with q/k norms, 6 query heads over 2 key heads of 64, both experts; the vision tower is not used. */
export const CONFIG = {
  llm: {
    hiddenSize: 384,
    intermediateSize: 1024,
    layers: 12,
    heads: 6,
    kvHeads: 2,
    headDim: 64,
    vocabSize: 8192,
    normEps: 1e-6,
    ropeTheta: 1e6,
    maxPositions: 4096,
    initializerRange: 0.02,
  },
  vit: {
    hiddenSize: 8,
    intermediateSize: 8,
    layers: 1,
    heads: 1,
    headDim: 8,
    patchSize: 2,
    channels: 3,
    normEps: 1e-6,
    patchesPerSide: 2,
  },
  latent: { patch: 2, maxSide: 16, tokenDim: TOKEN_WIDTH, pixels: 16 },
};

export const OPTIMIZER = { lr: 1e-4, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.01, clipNorm: 1 };

const SAMPLES = 4;
const TEXT = 108;
const CLEAN = [8, 8];
const DRAWN = [6, 13];
export const MARKERS = { bos: 0, eos: 1, soi: 2, eoi: 3 };

export const floats = (size, seed, range) => inputValues({ shape: [size], dtype: 'float32', range }, seed);

function image([rows, columns], loss, seed) {
  const latents = floats(rows * columns * TOKEN_WIDTH, seed);
  return { kind: 'vae', latents, rows, columns, loss, droppable: false };
}

/** Text to learn, a clean picture, a picture to be drawn: 256 tokens with markers. */
function sample(index) {
  const ids = Array.from(floats(TEXT, 100 + index, [4, CONFIG.llm.vocabSize]), Math.floor);
  const text = { kind: 'text', ids, loss: true, droppable: false };
  return {
    id: `sample ${index}`,
    items: [text, image(CLEAN, false, 200 + index), image(DRAWN, true, 300 + index)],
  };
}

/** The row, and the random part of the step, which is the same every time. */
export function trainingRow() {
  const choices = Array.from({ length: SAMPLES }, (_, i) => ({ sample: sample(i) }));
  const row = packRow(choices, CONFIG, MARKERS);
  const times = row.latentImages.map((_, i) => (i + 1) / (row.latentImages.length + 1));
  return { row, times, noise: floats(row.latents.length, 400, [-1.7, 1.7]) };
}

/** Writes fresh weights and everything that another program needs to take the same steps. */
export function writeProblem(dir) {
  const weights = join(dir, 'weights.safetensors');
  const model = UnifiedModel.init(CONFIG, 1);
  model.save(weights, 'F32');
  model.dispose();
  const { row, times, noise } = trainingRow();
  const inRowOrder = (values) => {
    const byRow = [];
    row.order.forEach((place, i) => {
      byRow[place] = values[i];
    });
    return byRow;
  };
  const attention = Object.entries(attentionArrays(row)).map(([name, values]) => [name, inRowOrder(values)]);
  const problem = {
    weights,
    config: { ...CONFIG.llm, tokenWidth: TOKEN_WIDTH },
    optimizer: OPTIMIZER,
    attention: Object.fromEntries(attention),
    times: row.latentImages.map(({ target }, i) => (target ? times[i] : 0)),
    noise: [...noise],
  };
  for (const [name, value] of Object.entries(row)) {
    if (ArrayBuffer.isView(value)) problem[name] = [...value];
  }
  const file = join(dir, 'problem.json');
  writeFileSync(file, JSON.stringify(problem));
  return { file, weights, tokens: row.tokens };
}
