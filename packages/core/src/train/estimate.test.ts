import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/index.js';
import { loadModelConfig, modelTensors } from '../model/index.js';
import { countWeights, estimateTraining } from './estimate.js';

const base = fileURLToPath(new URL('../../../../models/nano', import.meta.url));
const config = (overrides = {}) => loadConfig(undefined, { data: 'd', base, ...overrides });

describe('estimateTraining', () => {
  it('counts every weight and at least what weights and optimizer take', async () => {
    const { parameters, memoryBytes, vaeParameters } = await estimateTraining(config());
    expect(parameters).toBe(countWeights(modelTensors(loadModelConfig(base))));
    expect(vaeParameters).toBeGreaterThan(1e5);
    expect(memoryBytes).toBeGreaterThan(16 * parameters);
  });

  it('grows with what is asked for', async () => {
    const plain = await estimateTraining(config());
    const ema = await estimateTraining(config({ 'sft.emaDecay': 0.9 }));
    const leaner = await estimateTraining(config({ 'sft.activationCheckpointing': true }));
    expect(ema.memoryBytes - plain.memoryBytes).toBe(4 * plain.parameters);
    expect(leaner.memoryBytes).toBeLessThan(plain.memoryBytes);
    const longer = await estimateTraining(config({ 'sft.steps': 30_000, 'vae.steps': 60_000 }));
    expect(longer.seconds / plain.seconds).toBeGreaterThan(20);
  });
});
