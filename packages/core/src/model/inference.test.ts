import { setStrict, tf } from '@unicharacter/native';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { textItem, tiny, tokenizer, useStrictNative, wave } from '../../test/tiny-model.js';
import type { EncodedSample } from './encoded-sample.js';
import {
  emptyContext,
  feedLatents,
  feedPatches,
  feedTokens,
  inferLogits,
  VelocityField,
} from './inference.js';
import type { KvContext } from './kv-cache.js';
import { packRow } from './pack-row.js';
import { stageRow } from './staged-row.js';
import { UnifiedModel } from './unified-model.js';

const markers = tokenizer.special;
const image = { patches: wave(6 * 588), rows: 2, columns: 3 };
const latents = wave(4 * 64, 0.7);

describe('inference with a cache', () => {
  let model: UnifiedModel;
  let context: KvContext;
  let tensors: number;
  beforeAll(() => {
    useStrictNative();
    model = UnifiedModel.init(tiny, 4);
    // A fresh velocity head answers zero.
    model
      .variables()
      .get('llm2vae.weight')
      ?.assign(tf.tensor2d(wave(64 * 32), [64, 32]));
  });
  beforeEach(() => {
    tensors = tf.memory().numTensors;
    context = emptyContext(model);
  });
  afterEach(() => {
    context.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });
  afterAll(() => {
    model.dispose();
    setStrict(false);
  });

  /** Final hidden states of a sample's row in one pass, as in training: [tokens, hidden] in row order. */
  function hiddenOf(sample: EncodedSample, times: number[], noise?: tf.Tensor2D): Float32Array[] {
    const row = packRow([{ sample }], tiny, markers);
    const staged = stageRow(row, tiny);
    const rows = tf.tidy(() => {
      const { slices } = model.trainSequence(staged, { times, ...(noise ? { noise } : {}) });
      const hidden = model.trainHidden(staged, slices);
      const memory = [hidden.und, hidden.gen].flatMap((part) =>
        part ? (part.arraySync() as number[][]) : [],
      );
      const inRow: Float32Array[] = [];
      row.order.forEach((to, from) => {
        inRow[to] = Float32Array.from(memory[from] as number[]);
      });
      return inRow;
    });
    staged.dispose();
    return rows;
  }

  function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
    expect(found.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) expect(found[i]).toBeCloseTo(expected[i] as number, 4);
  }

  it('reads image, latents and text as the packed row does', () => {
    const sample: EncodedSample = {
      id: 'everything',
      items: [
        { kind: 'vae', latents, rows: 2, columns: 2, loss: false, droppable: false },
        { kind: 'vit', ...image, droppable: false },
        textItem([5, 6, 7]),
        textItem([8, 9]),
      ],
    };
    const clean = tf.tensor2d(latents, [4, 64]);
    const rows = hiddenOf(sample, [0.9], clean);
    feedLatents(model, context, clean, 2, 2, markers);
    feedPatches(model, context, image, markers);
    expect([context.length, context.ropePosition]).toEqual([14, 2]);
    const hidden = feedTokens(model, context, [markers.bos, 5, 6, 7, markers.eos, markers.bos]);
    const rest = feedTokens(model, context, [8, 9, markers.eos]);
    expect([context.length, context.ropePosition]).toEqual([23, 11]);
    expectClose(
      hidden.dataSync(),
      rows.slice(14, 20).flatMap((r) => [...r]),
    );
    expectClose(
      rest.dataSync(),
      rows.slice(20).flatMap((r) => [...r]),
    );
    tf.dispose([clean, hidden, rest]);
  });

  it('predicts the velocity that training computes at the same state and time', () => {
    const noise = tf.tensor2d(wave(4 * 64, 1.3), [4, 64]);
    const sample: EncodedSample = {
      id: 'drawing',
      items: [textItem([5, 6]), { kind: 'vae', latents, rows: 2, columns: 2, loss: true, droppable: false }],
    };
    const hidden = hiddenOf(sample, [0.3], noise).slice(5, 9);
    const expected = tf.tidy(() => model.velocities(tf.tensor2d(hidden.map((r) => [...r]))).dataSync());
    const field = new VelocityField(model, markers, 2, 2);
    feedTokens(model, context, [markers.bos, 5, 6, markers.eos]).dispose();
    const x = tf.tidy(
      () => tf.add(tf.mul(tf.tensor2d(latents, [4, 64]), 0.7), tf.mul(noise, 0.3)) as tf.Tensor2D,
    );
    const velocity = field.at(context, x, 0.3);
    expectClose(velocity.dataSync(), expected);
    expect([context.length, context.ropePosition]).toEqual([4, 4]);
    tf.dispose([noise, x, velocity]);
    field.dispose();
  });

  it('computes close logits in bf16', () => {
    const fork = context.fork();
    const exact = tf.tidy(() => inferLogits(model, feedTokens(model, context, [1, 2, 3])).dataSync());
    model.inferencePrecision = 'bf16';
    const rounded = tf.tidy(() => inferLogits(model, feedTokens(model, fork, [1, 2, 3])).dataSync());
    model.inferencePrecision = 'float32';
    fork.dispose();
    const difference = Math.hypot(...exact.map((v, i) => v - (rounded[i] as number)));
    expect(difference).toBeLessThan(0.02 * Math.hypot(...exact));
    expect(difference).toBeGreaterThan(0);
  });

  it('refuses text beyond the positions of the model and pictures beyond its table', () => {
    const long = new Int32Array(tiny.llm.maxPositions + 1);
    expect(() => feedTokens(model, context, long)).toThrow(/4097 positions, the model has 4096/);
    expect(() => new VelocityField(model, markers, 1, 17)).toThrow(/17x1.*16x16/);
  });
});
