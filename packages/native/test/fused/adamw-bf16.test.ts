/** AdamW with moments stored as bfloat16, on the native backend. */
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { Phys } from '../../src/binding.js';
import { strict } from '../../src/counters.js';
import { philoxNormal } from '../../src/ops/philox.js';
import { AdamW, type AdamWConfig } from '../../src/optim/index.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';

const config: AdamWConfig = { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01, lr: 0.01 };
const draw = (shape: number[], stream: number, counter = 0) =>
  tf.tensor(philoxNormal(tf.util.sizeFromShape(shape), { seed: 9, stream, counter }), shape, 'float32');
const physOf = (x: tf.Tensor) =>
  (tf.backend() as unknown as { physOf(info: tf.TensorInfo): number }).physOf(x);

beforeAll(() => selectBackend('native'));

/** Weights after `steps` steps with noisy gradients of a constant mean. */
function trained(state: 'float32' | 'bf16', shape: number[], steps: number) {
  const variable = tf.variable(draw(shape, 1), true, `weights-${state}`);
  const optimizer = new AdamW({ ...config, state });
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const gradient = tf.add(tf.mul(draw(shape, 2, step), 0.5), 1);
      strict(() => optimizer.step([variable], [gradient]));
    });
  }
  const { tensors } = optimizer.state();
  const phys = [...tensors.values()].map(physOf);
  const host = [variable, ...tensors.values()].map((x) => Float32Array.from(x.dataSync()));
  optimizer.dispose();
  variable.dispose();
  return { phys, weights: host[0]!, first: host[1]!, second: host[2]! };
}

test.each([[[3]], [[5, 7]], [[40000]]])(
  'moments are bf16 and the weights follow the float32 run, %s',
  (shape) => {
    const steps = shape[0] === 40000 ? 3 : 40;
    const [narrow, wide] = [trained('bf16', shape, steps), trained('float32', shape, steps)];
    expect(narrow.phys).toEqual([Phys.bf16, Phys.bf16]);
    expect(wide.phys).toEqual([Phys.f32, Phys.f32]);
    expect(deviation(narrow.weights, wide.weights)).toBeLessThan(0.02);
    expect(trained('bf16', shape, steps)).toEqual(narrow);
  },
);

test('a second moment of slow decay rises and falls as in float32', () => {
  const n = 4096;
  const variable = tf.variable(tf.fill([n], 1));
  const optimizer = new AdamW({ ...config, lr: 0, weightDecay: 0, state: 'bf16' });
  const mean = () =>
    tf.tidy(() => tf.mean(optimizer.state().tensors.get(`${variable.name}.exp_avg_sq`)!).dataSync()[0]!);
  const step = (gradient: number) => tf.tidy(() => optimizer.step([variable], [tf.fill([n], gradient)]));
  for (let i = 0; i < 300; i++) step(1);
  const risen = 1 - 0.999 ** 300;
  expect(Math.abs(mean() / risen - 1)).toBeLessThan(0.01);
  // Rounding to nearest would stand still here: each step takes off a thousandth.
  for (let i = 0; i < 300; i++) step(0);
  expect(Math.abs(mean() / (risen * 0.999 ** 300) - 1)).toBeLessThan(0.01);
  optimizer.dispose();
  variable.dispose();
});

test('a saved state continues bit for bit, also through float32', () => {
  const variable = tf.variable(draw([37], 1), true, 'narrow');
  const gradients = [0, 1, 2].map((i) => draw([37], 2, i));
  const straight = new AdamW({ ...config, state: 'bf16' });
  straight.step([variable], [gradients[0]!]).dispose();
  const { step, tensors } = straight.state();
  const saved = new Map(
    [...tensors].map(([name, x]) => [name, tf.tensor(Float32Array.from(x.dataSync()), x.shape)]),
  );
  // A clone shares storage with a live moment: the optimizer must not write through it, nor widen the moment.
  const clones = [...tensors.values()].map((x) => tf.clone(x));
  const weights = tf.tensor(Float32Array.from(variable.dataSync()));
  const finish = (optimizer: AdamW) => {
    for (const gradient of gradients.slice(1)) optimizer.step([variable], [gradient]).dispose();
    return [variable, ...optimizer.state().tensors.values()].map((x) => [...x.dataSync()]);
  };
  const expected = finish(straight);
  expect([...straight.state().tensors.values()].map(physOf)).toEqual([Phys.bf16, Phys.bf16]);
  expect(clones.map((x) => [...x.dataSync()])).toEqual([...saved.values()].map((x) => [...x.dataSync()]));
  variable.assign(weights);
  const resumed = new AdamW({ ...config, state: 'bf16' });
  resumed.load({ step, tensors: saved });
  expect(finish(resumed)).toEqual(expected);
});

test('no step leaks, and moments take half the memory', () => {
  const bytesOf = (state: 'float32' | 'bf16') => {
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
  expect(bytesOf('bf16') / bytesOf('float32')).toBeLessThan(0.55);
});
