// What the roll-out and the update of Character-GRPO are measured on: eight pictures of one prompt, on the model of
// ../train-step. Velocities are guided; two of the steps are stochastic and learnt from.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { timeGrid } from '../../dist/generate/index.js';
import { UnifiedModel } from '../../dist/model/index.js';
import { CONFIG, floats, MARKERS, OPTIMIZER } from '../train-step/problem.mjs';

export const PICTURES = 8;
export const SIDE = 8;
export const WINDOW = { start: 2, size: 2 };
export const GUIDANCE = 4;
export const NOISE_LEVEL = 0.7;
export const POLICY = {
  clipLow: 1e-3,
  clipHigh: 1e-3,
  advantageClip: 5,
  anchor: { kind: 'none', weight: 0 },
};
export const GRID = timeGrid(8, 3);
export const PROMPT = Array.from(floats(38, 500, [4, CONFIG.llm.vocabSize]), Math.floor);
export const ADVANTAGES = floats(PICTURES, 501, [-1.5, 1.5]);

/** Initial noise, then that of each stochastic step: [pictures, tokens, channels] each. */
export const NOISE = Array.from({ length: 1 + WINDOW.size }, (_, i) =>
  floats(PICTURES * SIDE * SIDE * CONFIG.latent.tokenDim, 502 + i, [-1.7, 1.7]),
);

/** Writes weights whose velocities are not zero, as fresh ones are, and all numbers for another program. */
export function writeGroupProblem(dir) {
  const weights = join(dir, 'group-weights.safetensors');
  const model = UnifiedModel.init(CONFIG, 2);
  const head = model.variables().get('llm2vae.weight');
  head.assign(model.variables().get('vae2llm.weight').transpose());
  model.save(weights);
  model.dispose();
  const file = join(dir, 'group.json');
  const problem = {
    weights,
    config: { ...CONFIG.llm, tokenWidth: CONFIG.latent.tokenDim },
    optimizer: OPTIMIZER,
    markers: MARKERS,
    prompt: PROMPT,
    pictures: PICTURES,
    side: SIDE,
    maxSide: CONFIG.latent.maxSide,
    grid: [...GRID],
    window: WINDOW,
    guidance: GUIDANCE,
    noiseLevel: NOISE_LEVEL,
    clip: POLICY.clipHigh,
    advantages: [...ADVANTAGES],
    noise: NOISE.map((values) => [...values]),
  };
  writeFileSync(file, JSON.stringify(problem));
  return { file, weights };
}
