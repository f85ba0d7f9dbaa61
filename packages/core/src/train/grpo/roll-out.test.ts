import { flowSdeLogProb, randomNormal, tf, valueAndGrads } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, expectNoLeaks, tiny, tinyModels, tokenizer } from '../../../test/tiny-model.js';
import {
  disposeContexts,
  type GenerationModels,
  type Guidance,
  guidedVelocity,
  readRequest,
  sampleFlow,
  timeGrid,
} from '../../generate/index.js';
import { VelocityField } from '../../model/index.js';
import { GroupField } from './group-field.js';
import { disposeRollOut, type RollOut, rollOut, stepTimes } from './roll-out.js';

const guidance: Guidance = { text: 4, image: 1, interval: [0.3, 1], renorm: 'global', renormMin: 0 };
const [rows, columns] = [2, 3];
const tokens = rows * columns;
const grid = timeGrid(6, 3);
const NOISE_LEVEL = 1.3;
/** Noise of two pictures [2, tokens, channels]. */
const noise = (counter: number) =>
  randomNormal([2, tokens, tiny.latent.tokenDim], { seed: 3, stream: 1, counter }) as tf.Tensor3D;
const drawnNoise = { initial: () => noise(0), step: (index: number) => noise(1 + index) };

let models: GenerationModels;
beforeAll(() => {
  models = tinyModels();
  const head = models.model.variables().get('llm2vae.weight') as tf.Variable;
  tf.tidy(() => head.assign(tf.randomNormal(head.shape, 0, 0.2, 'float32', 1)));
});
expectNoLeaks();
afterAll(() => disposeTinyModels(models));

function groupField(count = 2): GroupField {
  const prompt = tokenizer.encode('a fox');
  return new GroupField(models.model, tokenizer.special, prompt, { count, rows, columns }, guidance);
}

async function sampled(window = { start: 1, size: 2, noiseLevel: NOISE_LEVEL }): Promise<RollOut> {
  const field = groupField();
  try {
    return await rollOut(field, { grid, ...window, precision: 'float32', noise: drawnNoise });
  } finally {
    field.dispose();
  }
}

/** Runs `f` with the field of generation, which reads the prompt from a cache, and its contexts. */
async function withCache<T>(
  f: (field: VelocityField, contexts: ReturnType<typeof readRequest>) => T | Promise<T>,
): Promise<T> {
  const contexts = readRequest(models, [{ kind: 'text', text: 'a fox' }], { purpose: 'draw' });
  const field = new VelocityField(models.model, tokenizer.special, rows, columns);
  try {
    return await f(field, contexts);
  } finally {
    field.dispose();
    disposeContexts(contexts);
  }
}

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const picture = (states: tf.Tensor3D, index: number) =>
  tf.squeeze(tf.slice(states, index, 1), [0]) as tf.Tensor2D;
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

describe('rollOut', () => {
  it('is the sampler of generation but for the steps of the window', async () => {
    const result = await sampled();
    expect(result.states).toHaveLength(3);
    expect(result.logProbs.map(({ length }) => length)).toEqual([2, 2]);
    for (const index of [0, 1]) {
      const start = tf.tidy(() => picture(noise(0), index));
      const plain: tf.Tensor2D[] = [];
      const end = await withCache((field, contexts) =>
        sampleFlow(field, contexts, start, grid, guidance, { onStep: ({ x }) => plain.push(x.clone()) }),
      );
      tf.tidy(() => {
        const own = result.states.map((states) => picture(states, index));
        expect(largest(own[0] as tf.Tensor, plain[0] as tf.Tensor)).toBeLessThan(2e-5);
        expect(largest(own[1] as tf.Tensor, plain[1] as tf.Tensor)).toBeGreaterThan(0.01);
        expect(largest(picture(result.latents, index), end)).toBeGreaterThan(0.01);
      });
      tf.dispose([start, end, ...plain]);
    }
    disposeRollOut(result);
  });

  it('gives the log-probability of the noise it drew: −½ of its mean square', async () => {
    const result = await sampled();
    result.logProbs.forEach((logProbs, step) => {
      const drawn = tf.tidy(() => values(tf.mean(tf.square(noise(2 + step)), [1, 2])));
      drawn.forEach((square, index) => {
        expect(logProbs[index]).toBeCloseTo(-square / 2, 3);
      });
    });
    disposeRollOut(result);
  });

  it('draws what pictures with the same first noise have in common once, with the same result', async () => {
    const same = {
      initial: () =>
        tf.tile(tf.slice(noise(0), [0, 0, 0], [1, tokens, tiny.latent.tokenDim]), [2, 1, 1]) as tf.Tensor3D,
      step: drawnNoise.step,
    };
    const [pair, single] = [groupField(2), groupField(1)];
    const seen: number[] = [];
    const plan = {
      grid,
      start: 2,
      size: 2,
      noiseLevel: NOISE_LEVEL,
      precision: 'float32' as const,
      noise: same,
      onVelocity: ({ shape }: tf.Tensor3D) => seen.push(shape[0]),
    };
    const apart = await rollOut(pair, plan);
    expect(seen.splice(0)).toEqual([2, 2, 2, 2, 2]);
    const together = await rollOut(pair, { ...plan, common: single });
    expect(seen).toEqual([1, 1, 2, 2, 2]);
    tf.tidy(() => {
      expect(together.states.map(({ shape }) => shape[0])).toEqual([2, 2, 2]);
      for (const [i, states] of together.states.entries()) {
        expect(largest(states, apart.states[i]!)).toBeLessThan(2e-5);
      }
      expect(largest(together.latents, apart.latents)).toBeLessThan(2e-5);
      expect(largest(picture(together.latents, 0), picture(together.latents, 1))).toBeGreaterThan(0.01);
    });
    for (const drawn of [apart, together]) disposeRollOut(drawn);
    pair.dispose();
    single.dispose();
  });

  it('refuses a window that leaves the grid', async () => {
    await expect(sampled({ start: 4, size: 2, noiseLevel: 1 })).rejects.toThrow(/within 0 … 4/);
    await expect(sampled({ start: 0, size: 1, noiseLevel: 0 })).rejects.toThrow(/noise level above 0/);
  });
});

describe('GroupField', () => {
  it('repeats the velocities of the cached contexts, inside the interval of guidance and outside', async () => {
    const field = groupField();
    const states = noise(7);
    await withCache((cached, contexts) =>
      tf.tidy(() => {
        for (const t of [0.8, 0.1]) {
          const found = field.at(states, t);
          for (const index of [0, 1]) {
            const { guided } = guidedVelocity(cached, contexts, picture(states, index), t, guidance);
            expect(largest(guided, picture(found, index))).toBeLessThan(2e-5);
          }
        }
      }),
    );
    states.dispose();
    field.dispose();
  });

  it('gives the very log-probabilities of the roll-out again: the first ratio is 1', async () => {
    const result = await sampled();
    const field = groupField();
    tf.tidy(() => {
      result.logProbs.forEach((drawn, step) => {
        const times = stepTimes(grid, 1 + step, NOISE_LEVEL);
        const [from, to] = result.states.slice(step) as [tf.Tensor3D, tf.Tensor3D];
        const { logProb } = flowSdeLogProb(to, from, field.at(from, times.t), times);
        values(logProb).forEach((value, index) => {
          expect(Math.abs(Math.exp(value - (drawn[index] as number)) - 1)).toBeLessThan(1e-5);
        });
      });
    });
    field.dispose();
    disposeRollOut(result);
  });

  it('carries the gradient through both branches and the renormalisation', async () => {
    const result = await sampled({ start: 1, size: 1, noiseLevel: NOISE_LEVEL });
    const field = groupField();
    const [from, to] = result.states as [tf.Tensor3D, tf.Tensor3D];
    const times = stepTimes(grid, 1, NOISE_LEVEL);
    const bias = models.model.variables().get('llm2vae.bias') as tf.Variable;
    const logProb = () =>
      tf.sum(flowSdeLogProb(to, from, field.at(from, times.t), times).logProb) as tf.Scalar;
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
    field.dispose();
    disposeRollOut(result);
  });

  it('refuses image guidance', () => {
    const shape = { count: 1, rows, columns };
    expect(
      () => new GroupField(models.model, tokenizer.special, [], shape, { ...guidance, image: 2 }),
    ).toThrow(/no image guidance/);
  });
});
