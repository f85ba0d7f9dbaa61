import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { AdamW, emaUpdate, globalNorm } from '../../src/optim/index.js';
import { selectBackend } from '../../src/select-backend.js';
import { expectClose, normals } from '../support.js';

describe.each(['cpu', 'native'] as const)('on %s', (backend) => {
  beforeAll(() => {
    selectBackend(backend);
  });

  const config = { betas: [0.9, 0.95] as const, eps: 1e-8, weightDecay: 0.1 };

  /** The published update in float64. */
  function reference(start: number[], gradients: number[][], lr: number, clipNorm?: number): number[] {
    const [m, v, w] = [start.map(() => 0), start.map(() => 0), [...start]];
    gradients.forEach((gradient, i) => {
      const norm = Math.hypot(...gradient);
      const factor = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
      gradient.forEach((raw, j) => {
        const g = raw * factor;
        m[j] = 0.9 * m[j]! + 0.1 * g;
        v[j] = 0.95 * v[j]! + 0.05 * g * g;
        const [mHat, vHat] = [m[j]! / (1 - 0.9 ** (i + 1)), v[j]! / (1 - 0.95 ** (i + 1))];
        w[j] = w[j]! * (1 - lr * 0.1) - (lr * mHat) / (Math.sqrt(vHat) + 1e-8);
      });
    });
    return w;
  }

  test.each([undefined, 0.5])('AdamW follows the published update, clipNorm %s', (clipNorm) => {
    const before = tf.memory().numTensors;
    const initial = normals([17]);
    const variable = tf.variable(initial);
    const gradients = [0, 1, 2, 3].map(() => normals([17]));
    const expected = reference(
      [...initial.dataSync()],
      gradients.map((g) => [...g.dataSync()]),
      0.01,
      clipNorm,
    );
    const optimizer = new AdamW({ ...config, lr: 0.01 });
    for (const gradient of gradients) {
      const norm = optimizer.step([variable], [gradient], clipNorm === undefined ? {} : { clipNorm });
      expectClose(norm, [Math.hypot(...gradient.dataSync())], 1e-6);
      norm.dispose();
    }
    expectClose(variable, expected, 1e-6);
    optimizer.dispose();
    tf.dispose([initial, variable, gradients] as unknown as tf.TensorContainer);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('the tensor a variable was made from and null gradients stay untouched', () => {
    const initial = normals([3]);
    const values = Array.from(initial.dataSync());
    const [moved, idle] = [tf.variable(initial), tf.variable(initial)];
    const optimizer = new AdamW(config);
    optimizer.step([moved, idle], [normals([3]), null], { lr: 0.1 }).dispose();
    expectClose(initial, values, 0);
    expectClose(idle, values, 0);
    expect(moved.dataSync()[0]).not.toBe(values[0]);
  });

  test('a loaded state continues bit for bit', () => {
    const variable = tf.variable(normals([5]), true, `resumed-${backend}`);
    const optimizer = new AdamW({ ...config, lr: 0.02 });
    const gradients = [0, 1, 2].map(() => normals([5]));
    optimizer.step([variable], [gradients[0]!]).dispose();
    const { step, tensors } = optimizer.state();
    const saved = { step, tensors: new Map([...tensors].map(([name, x]) => [name, tf.clone(x)])) };
    const weights = tf.tensor(Float32Array.from(variable.dataSync()));
    const finish = (other: AdamW) => {
      for (const gradient of gradients.slice(1)) other.step([variable], [gradient]).dispose();
      return Array.from(variable.dataSync());
    };
    // Clones share storage with the live moments: the optimizer must not write through them.
    const kept = [...saved.tensors.values()].map((x) => Array.from(x.dataSync()));
    const straight = finish(optimizer);
    expect([...saved.tensors.values()].map((x) => Array.from(x.dataSync()))).toEqual(kept);
    variable.assign(weights);
    const resumed = new AdamW({ ...config, lr: 0.02 });
    resumed.load(saved);
    expect(resumed.steps).toBe(1);
    expect(finish(resumed)).toEqual(straight);
    saved.tensors.delete(`resumed-${backend}.exp_avg_sq`);
    expect(() => new AdamW(config).load(saved)).toThrow(/resumed-.*exp_avg_sq/);
  });

  test('globalNorm and emaUpdate', () => {
    expectClose(globalNorm([tf.tensor1d([3, 0]), tf.tensor2d([[4]])]), [5], 1e-7);
    expectClose(globalNorm([]), [0], 0);
    const [average, value] = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([3, 6]))];
    emaUpdate([average], [value], 0.75);
    expectClose(average, [1.5, 3], 1e-7);
    expect(() => emaUpdate([average], [], 0.5)).toThrow(/1 and 0/);
    expect(() => emaUpdate([average], [tf.variable(normals([3]))], 0.5)).toThrow(/\[2\].*\[3\]/);
  });

  test('emaUpdate takes many variables, and leaves what they were made from alone', () => {
    const starts = [3, 20001, 1].map((n) => normals([n]));
    const values = [3, 20001, 1].map((n) => tf.variable(normals([n])));
    const averages = starts.map((x) => tf.variable(x));
    const expected = starts.map((x, i) => {
      const value = values[i]!.dataSync();
      return Array.from(x.dataSync(), (a, j) => 0.9 * a + 0.1 * value[j]!);
    });
    const before = starts.map((x) => Float32Array.from(x.dataSync()));
    emaUpdate(averages, values, 0.9);
    averages.forEach((average, i) => {
      expectClose(average, expected[i]!, 1e-6);
    });
    expect(starts.map((x) => x.dataSync())).toEqual(before);
  });

  test('mistakes are named', () => {
    const variable = tf.variable(normals([2]));
    expect(() => new AdamW({ ...config, eps: 0 })).toThrow(/eps 0/);
    expect(() => new AdamW(config).step([variable], [normals([2])])).toThrow(/learning rate/);
    expect(() => new AdamW({ ...config, lr: 1 }).step([variable], [normals([3])])).toThrow(/\[2\].*\[3\]/);
  });
});
