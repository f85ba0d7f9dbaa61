/**
 * The model on other backends: training losses, gradients, a decoded token and a denoising step are those of the fused
 * kernels. A stand-in for the backend 'tensorflow' knows the ordinary kernels of tfjs-core only, as the real one does.
 */
import { selectBackend, tf, valueAndGrads } from '@unicharacter/native';
import { beforeAll, expect, test } from 'vitest';
import type { EncodedSample } from '../src/model/encoded-sample.js';
import {
  emptyContext,
  feedLatents,
  feedPatches,
  feedTokens,
  inferLogits,
  VelocityField,
} from '../src/model/inference.js';
import { packRow } from '../src/model/pack-row.js';
import { stageRow } from '../src/model/staged-row.js';
import { UnifiedModel } from '../src/model/unified-model.js';
import { textItem, tiny, tokenizer, wave } from './tiny-model.js';

type Backend = Parameters<typeof selectBackend>[0];
type Numbers = Record<string, ArrayLike<number>>;

const markers = tokenizer.special;
const image = { patches: wave(4 * 588), rows: 2, columns: 2 };
const latents = wave(4 * 64, 0.7);

const samples: EncodedSample[] = [
  {
    id: 'drawing',
    items: [textItem([1, 2, 3]), { kind: 'vae', latents, rows: 2, columns: 2, loss: true, droppable: false }],
  },
  {
    id: 'question',
    items: [{ kind: 'vit', ...image, droppable: false }, textItem([4, 5]), textItem([6, 7], true)],
  },
];

function registerStandIn(): void {
  const plain = new Set(tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName));
  plain.delete('KvWrite');
  selectBackend('cpu');
  const cpu = tf.backend();
  tf.registerBackend('tensorflow', () => cpu);
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    if (plain.has(kernel.kernelName)) tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
  }
}

/** A model whose heads that start at zero answer something. */
function makeModel(): UnifiedModel {
  const model = UnifiedModel.init(tiny, 4);
  tf.tidy(() =>
    model
      .variables()
      .get('llm2vae.weight')
      ?.assign(tf.tensor2d(wave(64 * 32), [64, 32])),
  );
  return model;
}

/** Losses and all gradients of one training step; with `recompute` blocks are checkpointed. */
function trainStep(model: UnifiedModel, recompute: boolean): Numbers {
  const row = packRow(
    samples.map((sample) => ({ sample })),
    tiny,
    markers,
  );
  const staged = stageRow(row, tiny);
  const noise = tf.tensor2d(wave(4 * 64, 1.3), [4, 64]);
  const trained = [...model.variables()].filter(([, variable]) => variable.trainable);
  const { loss, grads, aux } = valueAndGrads(
    () => {
      const { ce, mse } = model.forwardTrain(staged, { times: [0.4], noise, recompute });
      return { loss: tf.add(tf.mean(ce!), tf.mean(mse!)) as tf.Scalar, ce: ce!, mse: mse! };
    },
    trained.map(([, variable]) => variable),
  );
  const named = trained.map(([name], i): [string, ArrayLike<number>] => [name, grads[i]?.dataSync() ?? []]);
  const numbers = { ce: aux.ce.dataSync(), mse: aux.mse.dataSync(), ...Object.fromEntries(named) };
  tf.dispose([loss, aux.ce, aux.mse, noise, ...grads.filter((gradient) => gradient !== null)]);
  staged.dispose();
  return numbers;
}

/** Reads a picture and text, predicts the next token, and takes one denoising step. */
function infer(model: UnifiedModel): Numbers {
  const context = emptyContext(model);
  const field = new VelocityField(model, markers, 2, 2);
  const clean = tf.tensor2d(latents, [4, 64]);
  feedLatents(model, context, clean, 2, 2, markers);
  feedPatches(model, context, image, markers);
  feedTokens(model, context, [markers.bos, 5, 6, 7]).dispose();
  const fork = context.fork();
  const hidden = feedTokens(model, fork, [8]);
  const logits = inferLogits(model, hidden);
  const velocity = field.at(context, clean, 0.6);
  const numbers = { logits: logits.dataSync(), velocity: velocity.dataSync() };
  tf.dispose([clean, hidden, logits, velocity]);
  for (const one of [fork, context, field]) one.dispose();
  return numbers;
}

function compute(backend: Backend): Numbers {
  selectBackend(backend);
  const before = tf.memory().numTensors;
  const model = makeModel();
  const numbers = { ...trainStep(model, backend !== 'cpu'), ...infer(model) };
  model.dispose();
  expect(tf.getBackend()).toBe(backend);
  expect(tf.memory().numTensors).toBe(before);
  return numbers;
}

let expected: Numbers;

beforeAll(() => {
  expected = compute('native');
  registerStandIn();
});

test.each(['cpu', 'tensorflow'] as const)('%s computes what native computes', (backend) => {
  const found = compute(backend);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    const own = found[name]!;
    expect(own.length, name).toBe(values.length);
    const largest = Math.max(1e-3, ...Array.from(values, Math.abs));
    for (let i = 0; i < values.length; i++) {
      const difference = Math.abs(own[i]! - values[i]!) / largest;
      if (!(difference < 1e-3)) throw new Error(`${name}[${i}]: expected ${values[i]}, found ${own[i]}`);
    }
  }
});
