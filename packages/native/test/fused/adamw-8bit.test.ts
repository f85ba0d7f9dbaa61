/** AdamW with moments of one byte each, on the native backend, beside the same steps with float32 moments. */
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { strict } from '../../src/counters.js';
import { philoxNormal } from '../../src/ops/philox.js';
import { CODE_BLOCK, dynamicCodes } from '../../src/optim/block-codes.js';
import { AdamW, type AdamWConfig, type MomentType } from '../../src/optim/index.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const config: AdamWConfig = { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, lr: 0.01 };
const draw = (shape: number[], stream: number, counter = 0) =>
  tf.tensor(philoxNormal(tf.util.sizeFromShape(shape), { seed: 9, stream, counter }), shape, 'float32');

beforeAll(() => selectBackend('native'));

const SIGNED = dynamicCodes(true);
const UNSIGNED = dynamicCodes(false);

/** The moments that the state of an optimizer stands for, in float32. */
function decoded(optimizer: AdamW, name: string) {
  const { tensors } = optimizer.state();
  const part = (suffix: string) => tensors.get(`${name}.${suffix}`)!.dataSync();
  const values = (suffix: string, table: Float32Array) => {
    const scales = part(`${suffix}_absmax`);
    return Float32Array.from(
      part(`${suffix}_codes`),
      (code, i) => table[code]! * scales[Math.floor(i / CODE_BLOCK)]!,
    );
  };
  return { first: values('exp_avg', SIGNED), root: values('exp_avg_sq_root', UNSIGNED) };
}

describe('the codes', () => {
  test('are 256 ascending values in [-1, 1] or [0, 1], denser above', () => {
    for (const [table, lowest, smallest] of [
      [SIGNED, -0.9929688, 5.5e-7],
      [UNSIGNED, 0, 3.25e-7],
    ] as const) {
      expect(table.length).toBe(256);
      expect(table.every((value, i) => i === 0 || value > table[i - 1]!)).toBe(true);
      expect(table[0]).toBeCloseTo(lowest, 6);
      expect(table.at(-1)).toBe(1);
      expect(table.indexOf(0)).toBeGreaterThanOrEqual(0);
      expect(table.find((value) => value > 0)! / smallest).toBeCloseTo(1, 6);
    }
    expect(UNSIGNED.filter((value) => value >= 0.1 && value < 1)).toHaveLength(128);
    expect(SIGNED.filter((value) => value >= 0.1 && value < 1)).toHaveLength(64);
  });
});

/** A first step from zero: m = (1 − β₁)·g and √v = √(1 − β₂)·|g|, exactly. */
function firstStep(gradients: Float32Array) {
  const variable = tf.variable(tf.zeros([gradients.length]), true);
  const optimizer = new AdamW({ ...config, weightDecay: 0, state: 'int8' });
  tf.tidy(() => {
    strict(() => optimizer.step([variable], [tf.tensor1d(gradients)]));
  });
  const moments = decoded(optimizer, variable.name);
  optimizer.dispose();
  variable.dispose();
  return moments;
}

describe('a moment', () => {
  const gradients = philoxNormal(1000, { seed: 4, stream: 1, counter: 0 }).map((g, i) => g * 10 ** -(i % 5));

  test('is one of the two codes beside its value; the largest of a block is exact', () => {
    const { first, root } = firstStep(gradients);
    for (const [found, exact, table] of [
      [first, gradients.map((g) => (1 - 0.9) * g), SIGNED],
      [root, gradients.map((g) => Math.sqrt(1 - 0.999) * Math.abs(g)), UNSIGNED],
    ] as const) {
      for (let from = 0; from < exact.length; from += CODE_BLOCK) {
        const block = [...exact.subarray(from, from + CODE_BLOCK)];
        const scale = Math.max(...block.map(Math.abs));
        block.forEach((value, i) => {
          const above = table.findIndex((share) => share * scale >= value - 1e-6 * scale);
          const near = [above - 1, above, above + 1].map((code) => (table[code] ?? 2) * scale);
          const apart = Math.min(...near.map((code) => Math.abs(found[from + i]! - code)));
          expect(apart).toBeLessThan(1e-6 * scale);
        });
        const at = block.findIndex((value) => Math.abs(value) === scale);
        expect(Math.abs(found[from + at]!) / scale).toBeGreaterThan(0.98);
      }
    }
  });

  test('is right on average: rounding at random has no drift', () => {
    const value = 0.4321;
    const many = new Float32Array(40 * CODE_BLOCK).fill(value);
    for (let block = 0; block < 40; block++) many[block * CODE_BLOCK] = 1;
    const { first } = firstStep(many);
    const rest = [...first].filter((_, i) => i % CODE_BLOCK !== 0);
    const mean = rest.reduce((sum, m) => sum + m, 0) / rest.length / (1 - 0.9);
    // The gap between codes is 0.014 here, the error of the mean of 10,200 draws a hundredth of that.
    expect(new Set(rest).size).toBe(2);
    expect(Math.abs(mean - value)).toBeLessThan(3e-4);
  });

  test('never vanishes beside a large one: a weight whose gradients stop does not jump', () => {
    const variable = tf.variable(tf.zeros([2]));
    const optimizer = new AdamW({ ...config, weightDecay: 0, state: 'int8' });
    const small = 1e-9;
    for (const gradient of [
      [1, small],
      [1, 0],
      [1, 0],
    ]) {
      tf.tidy(() => {
        optimizer.step([variable], [tf.tensor1d(gradient)]);
      });
      expect(Math.abs(variable.dataSync()[1]!)).toBeLessThan(0.03);
    }
    optimizer.dispose();
    variable.dispose();
  });

  test('of zeros is zero', () => {
    const { first, root } = firstStep(new Float32Array(300));
    expect([...first, ...root].every((value) => value === 0)).toBe(true);
  });
});

/** Weights after `steps` steps with noisy gradients of a constant mean, for some variables at once. */
function trained(state: MomentType, shapes: number[][], steps: number, clipNorm?: number) {
  const variables = shapes.map((shape, i) => tf.variable(draw(shape, i), true));
  const optimizer = new AdamW({ ...config, state });
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const gradients = shapes.map((shape, i) => tf.add(tf.mul(draw(shape, 10 + i, step), 0.5), 1));
      strict(() => optimizer.step(variables, gradients, clipNorm === undefined ? {} : { clipNorm }));
    });
  }
  const weights = variables.map((variable) => Float32Array.from(variable.dataSync()));
  optimizer.dispose();
  tf.dispose(variables);
  return weights;
}

test.each([
  { shapes: [[3]], steps: 40 },
  { shapes: [[5, 7], [300], [257]], steps: 40 },
  { shapes: [[40000]], steps: 3 },
])('weights follow the float32 run: $shapes', ({ shapes, steps }) => {
  const [coded, wide] = [trained('int8', shapes, steps, 0.5), trained('float32', shapes, steps, 0.5)];
  coded.forEach((weights, i) => {
    expect(deviation(weights, wide[i]!)).toBeLessThan(0.03);
  });
  expect(trained('int8', shapes, steps, 0.5)).toEqual(coded);
});

test('a second moment of slow decay rises and falls as in float32', () => {
  const n = 4096;
  const variable = tf.variable(tf.ones([n]));
  const optimizer = new AdamW({ ...config, lr: 0, weightDecay: 0, state: 'int8' });
  // One large value per block keeps the scale, so that the others have to move between codes.
  const mean = () => {
    const { root } = decoded(optimizer, variable.name);
    const others = [...root].filter((_, i) => i % CODE_BLOCK !== 0);
    return others.reduce((sum, r) => sum + r * r, 0) / others.length;
  };
  const step = (gradient: number) =>
    tf.tidy(() => {
      const values = new Float32Array(n).fill(gradient);
      for (let i = 0; i < n; i += CODE_BLOCK) values[i] = 3;
      optimizer.step([variable], [tf.tensor1d(values)]);
    });
  for (let i = 0; i < 300; i++) step(1);
  const risen = 1 - 0.999 ** 300;
  expect(Math.abs(mean() / risen - 1)).toBeLessThan(0.05);
  for (let i = 0; i < 300; i++) step(0);
  expect(Math.abs(mean() / (risen * 0.999 ** 300) - 1)).toBeLessThan(0.05);
  optimizer.dispose();
  variable.dispose();
});

test('a saved state continues bit for bit; one of another kind is refused', () => {
  const variable = tf.variable(draw([700], 1), true, 'coded');
  const gradients = [0, 1, 2].map((i) => draw([700], 2, i));
  const straight = new AdamW({ ...config, state: 'int8' });
  straight.step([variable], [gradients[0]!]).dispose();
  const { step, tensors } = straight.state();
  expect([...tensors.values()].map(({ dtype, shape }) => [dtype, shape])).toEqual([
    ['bool', [700]],
    ['float32', [3]],
    ['bool', [700]],
    ['float32', [3]],
  ]);
  const saved = new Map(
    [...tensors].map(([name, x]) => [name, tf.tensor(x.dataSync().slice(), x.shape, x.dtype)]),
  );
  // A clone shares storage with a live moment: the optimizer must not write through it.
  const clones = [...tensors.values()].map((x) => tf.clone(x));
  const weights = tf.tensor(Float32Array.from(variable.dataSync()));
  const finish = (optimizer: AdamW) => {
    for (const gradient of gradients.slice(1)) optimizer.step([variable], [gradient]).dispose();
    return [variable, ...optimizer.state().tensors.values()].map((x) => [...x.dataSync()]);
  };
  const expected = finish(straight);
  expect(clones.map((x) => [...x.dataSync()])).toEqual([...saved.values()].map((x) => [...x.dataSync()]));
  variable.assign(weights);
  const resumed = new AdamW({ ...config, state: 'int8' });
  resumed.load({ step, tensors: saved });
  expect(finish(resumed)).toEqual(expected);
  expect(() => new AdamW(config).load({ step, tensors: saved })).toThrow(
    /expected \.exp_avg, \.exp_avg_sq of each variable, found coded\.exp_avg_codes/,
  );
  resumed.dispose();
  straight.dispose();
});

test('no step leaks, and moments take little more than a quarter of the memory', () => {
  const bytesOf = (state: MomentType) => {
    const variable = tf.tidy(() => tf.variable(draw([100000], 1)));
    const gradient = draw([100000], 2);
    const optimizer = new AdamW({ ...config, state });
    const before = memoryStats().liveBytes;
    optimizer.step([variable], [gradient]).dispose();
    const held = memoryStats().liveBytes;
    for (let i = 0; i < 20; i++) optimizer.step([variable], [gradient]).dispose();
    expect(memoryStats().liveBytes).toBe(held);
    optimizer.dispose();
    tf.dispose([variable, gradient]);
    return held - before;
  };
  expect(bytesOf('int8') / bytesOf('float32')).toBeLessThan(0.26);
});

test('other backends keep float32 moments', () => {
  selectBackend('cpu');
  const variable = tf.variable(tf.tensor1d([1, 2]));
  const optimizer = new AdamW({ ...config, state: 'int8' });
  optimizer.step([variable], [tf.tensor1d([1, 1])]).dispose();
  expect([...optimizer.state().tensors.values()].map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
  optimizer.dispose();
  variable.dispose();
  selectBackend('native');
});
