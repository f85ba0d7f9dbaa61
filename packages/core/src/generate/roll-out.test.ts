import { randomNormal, setStrict, tf, valueAndGrads } from '@unicharacter/native';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tiny, tokenizer, useStrictNative } from '../../test/tiny-model.js';
import { FlowVae, UnifiedModel, VelocityField } from '../model/index.js';
import { disposeContexts, type GenerationModels, readRequest } from './contexts.js';
import { guidedVelocity, sampleFlow, timeGrid } from './flow-sampler.js';
import type { Guidance } from './guidance.js';
import { GuidedRow } from './guided-row.js';
import { disposeRollOut, type RollOut, rollOut, stepLogProb } from './roll-out.js';

const guidance: Guidance = { text: 4, image: 1, interval: [0.3, 1], renorm: 'global', renormMin: 0 };
const [rows, columns] = [2, 3];
const tokens = rows * columns;
const grid = timeGrid(6, 3);
const noise = (counter: number) =>
  randomNormal([tokens, tiny.latent.tokenDim], { seed: 3, stream: 1, counter }) as tf.Tensor2D;

let models: GenerationModels;
let tensors: number;
beforeAll(() => {
  useStrictNative();
  models = { model: UnifiedModel.init(tiny, 6), vae: FlowVae.init(tiny.vae, 6), tokenizer };
  const head = models.model.variables().get('llm2vae.weight') as tf.Variable;
  tf.tidy(() => head.assign(tf.randomNormal(head.shape, 0, 0.2, 'float32', 1)));
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));
afterAll(() => {
  models.model.dispose();
  models.vae.dispose();
  setStrict(false);
});

async function sampled(window = { first: 1, size: 2, noiseLevel: 1.3 }): Promise<RollOut> {
  const contexts = readRequest(models, [{ kind: 'text', text: 'a fox' }], { purpose: 'draw' });
  const field = new VelocityField(models.model, tokenizer.special, rows, columns);
  const start = noise(0);
  try {
    return await rollOut(field, contexts, start, grid, guidance, window, (index) => noise(1 + index));
  } finally {
    start.dispose();
    field.dispose();
    disposeContexts(contexts);
  }
}

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

describe('rollOut', () => {
  it('is the plain sampler but for the steps of the window, which it records', async () => {
    const { latents, steps } = await sampled();
    expect(steps.map(({ index }) => index)).toEqual([1, 2]);
    expect(steps.map(({ times }) => times.t)).toEqual([grid[1], grid[2]]);
    // The second stochastic step begins where the first ended.
    expect(values(steps[1]?.x as tf.Tensor)).toEqual(values(steps[0]?.next as tf.Tensor));
    const contexts = readRequest(models, [{ kind: 'text', text: 'a fox' }], { purpose: 'draw' });
    const field = new VelocityField(models.model, tokenizer.special, rows, columns);
    const start = noise(0);
    const plain: number[][] = [];
    const end = await sampleFlow(field, contexts, start, grid, guidance, {
      onStep: ({ x }) => plain.push(values(x)),
    });
    expect(values(steps[0]?.x as tf.Tensor)).toEqual(plain[0]);
    expect(values(steps[0]?.next as tf.Tensor)).not.toEqual(plain[1]);
    expect(values(latents)).not.toEqual(values(end));
    tf.dispose([start, end]);
    field.dispose();
    disposeContexts(contexts);
    disposeRollOut({ latents, steps });
  });

  it('gives the log-probability of the noise it drew: −½ of its mean square', async () => {
    const result = await sampled();
    for (const { index, logProb } of result.steps) {
      const drawn = tf.tidy(() => tf.mean(tf.square(noise(1 + index))).dataSync()[0] as number);
      expect(logProb).toBeCloseTo(-drawn / 2, 3);
    }
    disposeRollOut(result);
  });

  it('refuses a window that leaves the grid', async () => {
    await expect(sampled({ first: 4, size: 2, noiseLevel: 1 })).rejects.toThrow(/within 0 … 4/);
    await expect(sampled({ first: 0, size: 1, noiseLevel: 0 })).rejects.toThrow(/noise level above 0/);
  });
});

describe('GuidedRow', () => {
  it('repeats the velocities and log-probabilities of the cached contexts, several pictures at once', async () => {
    const result = await sampled();
    const picture = { prompt: tokenizer.encode('a fox'), rows, columns };
    const row = new GuidedRow(models.model, tokenizer.special, [picture, picture], guidance);
    const states = result.steps.map(({ x }) => x);
    const times = result.steps.map(({ times: { t } }) => t);
    const contexts = readRequest(models, [{ kind: 'text', text: 'a fox' }], { purpose: 'draw' });
    const field = new VelocityField(models.model, tokenizer.special, rows, columns);
    tf.tidy(() => {
      const found = row.velocities(states, times);
      result.steps.forEach((step, i) => {
        const { guided } = guidedVelocity(field, contexts, step.x, step.times.t, guidance);
        const error = tf.max(tf.abs(tf.sub(guided, found[i] as tf.Tensor))).dataSync()[0] as number;
        expect(error).toBeLessThan(2e-5);
        const { logProb } = stepLogProb(step, found[i] as tf.Tensor2D);
        expect(logProb.dataSync()[0]).toBeCloseTo(step.logProb, 4);
      });
      // Outside the interval of guidance the row has no second branch.
      const unguided = row.velocities(states, [0.2, 0.1]);
      const expected = field.at(contexts.main, states[1] as tf.Tensor2D, 0.1);
      expect(tf.max(tf.abs(tf.sub(expected, unguided[1] as tf.Tensor))).dataSync()[0]).toBeLessThan(2e-5);
    });
    field.dispose();
    disposeContexts(contexts);
    row.dispose();
    disposeRollOut(result);
  });

  it('carries the gradient through both branches and the renormalisation', async () => {
    const result = await sampled({ first: 1, size: 1, noiseLevel: 1.3 });
    const row = new GuidedRow(
      models.model,
      tokenizer.special,
      [{ prompt: tokenizer.encode('a fox'), rows, columns }],
      guidance,
    );
    const [step] = result.steps as [RollOut['steps'][number]];
    const bias = models.model.variables().get('llm2vae.bias') as tf.Variable;
    const logProb = () => {
      const [velocity] = row.velocities([step.x], [step.times.t]);
      return tf.sum(stepLogProb(step, velocity as tf.Tensor2D).logProb) as tf.Scalar;
    };
    const { loss, grads } = valueAndGrads(() => ({ loss: logProb() }), [bias]);
    // Along the gradient's direction the log-probability rises by the gradient's length.
    const gradient = (grads[0] as tf.Tensor).dataSync();
    const length = Math.hypot(...gradient);
    const original = bias.dataSync().slice();
    const at = (delta: number) => {
      const moved = original.map((value, i) => value + (delta * (gradient[i] as number)) / length);
      tf.tidy(() => bias.assign(tf.tensor(moved)));
      return tf.tidy(() => logProb().dataSync()[0] as number);
    };
    const difference = (at(0.1) - at(-0.1)) / 0.2;
    at(0);
    expect(length).toBeGreaterThan(1e-4);
    expect(Math.abs(difference / length - 1)).toBeLessThan(0.05);
    tf.dispose([loss, ...grads.filter((g): g is tf.Tensor => g !== null)]);
    row.dispose();
    disposeRollOut(result);
  });

  it('refuses image guidance', () => {
    expect(() => new GuidedRow(models.model, tokenizer.special, [], { ...guidance, image: 2 })).toThrow(
      /no image guidance/,
    );
  });
});
