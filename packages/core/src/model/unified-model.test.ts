import {
  randomNormal,
  selectBackend,
  setStrict,
  tf,
  valueAndGrads,
  withAutocast,
} from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textItem, tiny, tokenizer, useStrictNative, wave } from '../../test/tiny-model.js';
import type { EncodedSample } from './encoded-sample.js';
import { packRow } from './pack-row.js';
import { stageRow } from './staged-row.js';
import { UnifiedModel } from './unified-model.js';

const samples: EncodedSample[] = [
  {
    id: 'drawing',
    items: [
      textItem([1, 2, 3]),
      { kind: 'vae', latents: wave(6 * 64), rows: 2, columns: 3, loss: true, droppable: false },
    ],
  },
  {
    id: 'question',
    items: [
      { kind: 'vit', patches: wave(4 * 588), rows: 2, columns: 2, droppable: false },
      textItem([4, 5]),
      textItem([6, 7], true),
    ],
  },
];

interface Step {
  readonly recompute?: boolean;
  readonly precision?: 'bf16' | 'float32';
}

/** Loss and gradients of one step; nothing is left behind. */
function trainStep(model: UnifiedModel, { recompute = false, precision = 'float32' }: Step = {}) {
  const row = packRow(
    samples.map((sample) => ({ sample })),
    tiny,
    tokenizer.special,
  );
  const staged = stageRow(row, tiny);
  const noise = randomNormal([6, 64], { seed: 7, stream: 1, counter: 0 }) as tf.Tensor2D;
  const named = [...model.variables()].filter(([, variable]) => variable.trainable);
  const { loss, grads } = withAutocast(precision, () =>
    valueAndGrads(
      () => {
        const { ce, mse } = model.forwardTrain(staged, { times: [0.4], noise, recompute });
        expect(ce?.shape).toEqual([3]);
        expect(mse?.shape).toEqual([6]);
        return { loss: tf.add(tf.mean(ce as tf.Tensor1D), tf.mean(mse as tf.Tensor1D)) as tf.Scalar };
      },
      named.map(([, variable]) => variable),
    ),
  );
  const gradients = new Map(named.map(([name], i) => [name, Float32Array.from(grads[i]?.dataSync() ?? [])]));
  const value = loss.dataSync()[0] as number;
  tf.dispose([loss, noise, ...grads.filter((g) => g !== null)]);
  staged.dispose();
  return { value, gradients };
}

/** ‖a − b‖ / ‖b‖ over all gradients. */
function distance(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let difference = 0;
  let norm = 0;
  for (const [name, values] of b) {
    values.forEach((value, i) => {
      difference += ((a.get(name)?.[i] ?? Number.NaN) - value) ** 2;
      norm += value ** 2;
    });
  }
  return Math.sqrt(difference / norm);
}

describe('forwardTrain', () => {
  let model: UnifiedModel;
  beforeAll(() => {
    useStrictNative();
    model = UnifiedModel.init(tiny, 3);
  });
  afterAll(() => {
    model.dispose();
    setStrict(false);
  });

  it('starts at the loss of a model that knows nothing, and leaves no tensor behind', () => {
    trainStep(model);
    const before = tf.memory().numTensors;
    const { value, gradients } = trainStep(model);
    expect(tf.memory().numTensors).toBe(before);
    // Uniform over 2048 rows, and a velocity of zero against noise − latents.
    const noise = tf.tidy(() =>
      Array.from(randomNormal([6, 64], { seed: 7, stream: 1, counter: 0 }).dataSync()),
    );
    const mse = noise.reduce((sum, e, i) => sum + (e - (wave(384)[i] as number)) ** 2, 0) / 384;
    expect(value).toBeGreaterThan(Math.log(2048) + mse - 0.3);
    expect(value).toBeLessThan(Math.log(2048) + mse + 0.3);
    for (const [name, grad] of gradients) {
      expect(grad.length, name).toBe(model.variables().get(name)?.size);
      expect(grad.every(Number.isFinite), name).toBe(true);
    }
  });

  it('gives the same gradients when activations are recomputed', () => {
    const plain = trainStep(model);
    const recomputed = trainStep(model, { recompute: true });
    expect(recomputed.value).toBeCloseTo(plain.value, 6);
    expect(distance(recomputed.gradients, plain.gradients)).toBeLessThan(1e-6);
  });

  it('gives close gradients in bf16', () => {
    const plain = trainStep(model);
    const rounded = trainStep(model, { precision: 'bf16' });
    expect(Math.abs(rounded.value - plain.value)).toBeLessThan(0.02 * plain.value);
    expect(distance(rounded.gradients, plain.gradients)).toBeLessThan(0.03);
  });

  it('gives the same numbers on the plain backend', () => {
    const fused = trainStep(model);
    selectBackend('cpu');
    const plain = UnifiedModel.init(tiny, 3);
    const composed = trainStep(plain);
    plain.dispose();
    useStrictNative();
    expect(composed.value).toBeCloseTo(fused.value, 5);
    expect(distance(composed.gradients, fused.gradients)).toBeLessThan(1e-5);
  });

  it('says what noise and time steps it needs', () => {
    const row = packRow([{ sample: samples[0] as EncodedSample }], tiny, tokenizer.special);
    const staged = stageRow(row, tiny);
    expect(() => model.forwardTrain(staged, { times: [] })).toThrow(
      /noise of shape \[6,64\] and 1 time steps/,
    );
    staged.dispose();
  });
});
