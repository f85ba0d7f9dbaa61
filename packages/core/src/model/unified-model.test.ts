import { fileURLToPath } from 'node:url';
import { randomNormal, selectBackend, tf, valueAndGrads } from '@unicharacter/native';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModelConfig, type ModelConfig } from './config.js';
import type { EncodedSample } from './encoded-sample.js';
import { packRow } from './pack-row.js';
import { stageRow } from './staged-row.js';
import { UnifiedModel } from './unified-model.js';

const nano = loadModelConfig(fileURLToPath(new URL('../../../../models/nano', import.meta.url)));
/** The nano configuration, narrower: the tests only need its shape of computation. */
const config: ModelConfig = {
  ...nano,
  llm: {
    ...nano.llm,
    hiddenSize: 32,
    intermediateSize: 48,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    vocabSize: 64,
  },
  vit: { ...nano.vit, hiddenSize: 32, intermediateSize: 48, layers: 1, heads: 2, headDim: 16 },
};
const markers = { bos: 60, eos: 61, soi: 62, eoi: 63 };
const noiseOf = (shape: number[], counter: number) => randomNormal(shape, { seed: 7, stream: 1, counter });

function samples(): EncodedSample[] {
  const values = (length: number, scale: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(i) * scale);
  return [
    {
      id: 'drawing',
      items: [
        { kind: 'text', ids: [1, 2, 3], loss: false, droppable: true },
        { kind: 'vae', latents: values(6 * 64, 1), rows: 2, columns: 3, loss: true, droppable: false },
      ],
    },
    {
      id: 'question',
      items: [
        { kind: 'vit', patches: values(4 * 588, 1), rows: 2, columns: 2, droppable: false },
        { kind: 'text', ids: [4, 5], loss: false, droppable: false },
        { kind: 'text', ids: [6, 7], loss: true, droppable: false },
      ],
    },
  ];
}

describe('forwardTrain', () => {
  beforeAll(() => selectBackend('cpu'));

  it('gives one loss per predicted token and per target token, with or without recomputation', () => {
    const model = UnifiedModel.init(config, 3);
    const row = packRow(
      samples().map((sample) => ({ sample })),
      config,
      markers,
    );
    const noise = noiseOf([6, 64], 0) as tf.Tensor2D;
    const trained = [...model.variables().values()].filter((v) => v.trainable);
    const step = (recompute: boolean) => {
      const staged = stageRow(row, config);
      const { loss, grads } = valueAndGrads(() => {
        const { ce, mse } = model.forwardTrain(staged, { times: [0.4], noise, recompute });
        expect(ce?.shape).toEqual([3]);
        expect(mse?.shape).toEqual([6]);
        return { loss: tf.add(tf.mean(ce as tf.Tensor1D), tf.mean(mse as tf.Tensor1D)) as tf.Scalar };
      }, trained);
      staged.dispose();
      const values = grads.map((g) => (g ? Array.from(g.dataSync()) : []));
      tf.dispose(grads.filter((g) => g !== null));
      const value = loss.dataSync()[0] as number;
      loss.dispose();
      return { value, values };
    };
    step(false);
    const before = tf.memory().numTensors;
    const plain = step(false);
    const recomputed = step(true);
    expect(tf.memory().numTensors).toBe(before);
    expect(recomputed.value).toBeCloseTo(plain.value, 5);
    // A fresh head predicts uniformly over 64 rows, a fresh velocity head predicts zero.
    expect(plain.value).toBeGreaterThan(3);
    plain.values.forEach((grad, i) => {
      grad.forEach((g, j) => {
        expect(recomputed.values[i]?.[j]).toBeCloseTo(g, 5);
      });
    });
    noise.dispose();
    model.dispose();
  });
});
