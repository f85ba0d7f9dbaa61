/** Training a small transformer with adapters: the loss falls, memory stays flat, nothing is copied, runs repeat. */
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { checkpoint, valueAndGrads } from '../../src/autodiff/index.js';
import { resetCounters, strict, traffic } from '../../src/counters.js';
import {
  AttentionLayout,
  linear,
  linearCrossEntropy,
  loraLinear,
  packedAttention,
  rmsNorm,
  rope,
  swiglu,
} from '../../src/ops/index.js';
import { randomNormal } from '../../src/ops/random.js';
import { AdamW, emaUpdate } from '../../src/optim/index.js';
import { type Precision, withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { packedRow } from '../fused/rows.js';

const [width, heads, keyHeads, size, hiddenWidth, vocabulary] = [32, 4, 2, 8, 48, 40];

function makeModel() {
  const variables: tf.Variable[] = [];
  const keep = (make: () => tf.Tensor) => {
    const variable = tf.tidy(() => tf.variable(make()));
    variables.push(variable);
    return variable as tf.Tensor;
  };
  const ones = () => keep(() => tf.fill([width], 1)) as tf.Tensor1D;
  const weight = (rows: number, columns: number) => {
    const key = { seed: 5, stream: variables.length, counter: 0 };
    return keep(() => tf.mul(randomNormal([rows, columns], key), 0.2)) as tf.Tensor2D;
  };
  const blocks = [0, 1].map(() => ({
    norm1: ones(),
    q: weight(heads * size, width),
    k: weight(keyHeads * size, width),
    v: weight(keyHeads * size, width),
    o: weight(width, heads * size),
    adapterA: weight(4, width),
    adapterB: weight(width, 4),
    norm2: ones(),
    gate: weight(hiddenWidth, width),
    up: weight(hiddenWidth, width),
    down: weight(width, hiddenWidth),
  }));
  return { variables, blocks, embed: weight(width, vocabulary), head: weight(vocabulary, width) };
}

function makeBatch() {
  const layout = new AttentionLayout(
    packedRow([
      [
        ['causal', 30],
        ['full', 20],
        ['causal', 20],
      ],
      [['causal', 25]],
    ]),
  );
  const ids = Array.from({ length: layout.tokens }, (_, i) => (i * i + 3) % vocabulary);
  const oneHot = new Float32Array(ids.length * vocabulary);
  ids.forEach((id, i) => {
    oneHot[i * vocabulary + id] = 1;
  });
  const integers = (values: number[]) => tf.tensor1d(values, 'int32');
  return {
    layout,
    inputs: tf.tensor2d(oneHot, [ids.length, vocabulary]),
    labels: integers(ids.map((id) => (id * 7 + 1) % vocabulary)),
    positions: integers(ids.map((_, i) => i)),
  };
}

type Model = ReturnType<typeof makeModel>;
type Batch = ReturnType<typeof makeBatch>;

/** Mean of the token losses; the weights of the checkpointed blocks are captured, not passed. */
function lossOf(model: Model, { layout, inputs, labels, positions }: Batch): tf.Scalar {
  const tokens = layout.tokens;
  let h: tf.Tensor = linear(inputs, model.embed);
  for (const p of model.blocks) {
    const block = (x: tf.Tensor) => {
      const a = rmsNorm(x, p.norm1, 1e-6);
      const split = (w: tf.Tensor2D, count: number) =>
        tf.reshape(linear(a, w), [tokens, count, size]) as tf.Tensor3D;
      const q = rope(split(p.q, heads), positions, 1e4);
      const k = rope(split(p.k, keyHeads), positions, 1e4);
      const mixed = packedAttention(q, k, split(p.v, keyHeads), layout);
      const flat = tf.reshape(mixed, [tokens, heads * size]);
      const y = tf.add(x, loraLinear(flat, p.o, null, p.adapterA, p.adapterB, 0.5));
      const b = rmsNorm(y, p.norm2, 1e-6);
      return tf.add(y, linear(swiglu(linear(b, p.gate), linear(b, p.up)), p.down));
    };
    h = checkpoint((x) => block(x!), [h]);
  }
  const losses = linearCrossEntropy(h as tf.Tensor2D, model.head, labels);
  // The mean as a product: only kernels of this package's own ops take part.
  const weights = tf.fill([1, tokens], 1 / tokens) as tf.Tensor2D;
  return tf.reshape(linear(tf.reshape(losses, [1, tokens]), weights), []) as tf.Scalar;
}

function train(
  precision: Precision,
  steps: number,
): { losses: number[]; bytes: number[]; tensors: number[]; resident: number[] } {
  const model = makeModel();
  const batch = makeBatch();
  const optimizer = new AdamW({ lr: 0.01, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.01 });
  const ema = model.variables.map((v) => tf.variable(v, false));
  const losses: number[] = [];
  const bytes: number[] = [];
  const tensors: number[] = [];
  const resident: number[] = [];
  for (let step = 0; step < steps; step++) {
    resetCounters();
    const forward = () => withAutocast(precision, () => ({ loss: lossOf(model, batch) }));
    const found = valueAndGrads(forward, model.variables);
    optimizer.step(model.variables, found.grads, { clipNorm: 1 }).dispose();
    emaUpdate(ema, model.variables, 0.9);
    tf.dispose(found.grads as tf.TensorContainer);
    if (step > 1) {
      bytes.push(memoryStats().liveBytes);
      tensors.push(tf.memory().numTensors);
      expect([traffic.uploads, traffic.downloads]).toEqual([0, 0]);
    }
    losses.push(found.loss.dataSync()[0]!);
    resident.push(process.memoryUsage.rss());
    found.loss.dispose();
  }
  batch.layout.dispose();
  optimizer.dispose();
  tf.dispose([
    model.variables,
    ema,
    batch.inputs,
    batch.labels,
    batch.positions,
  ] as unknown as tf.TensorContainer);
  return { losses, bytes, tensors, resident };
}

beforeAll(() => {
  selectBackend('native');
});

test.each([
  ['float32', 50],
  ['bf16', 200],
] as const)('%s, %d steps', (precision, steps) => {
  const before = [memoryStats().liveBytes, tf.memory().numTensors];
  const { losses, bytes, tensors, resident } = strict(() => train(precision, steps));
  expect(losses[0]).toBeGreaterThan(3);
  expect(losses.at(-1)).toBeLessThan(0.3 * losses[0]!);
  expect(new Set(bytes).size).toBe(1);
  expect(new Set(tensors).size).toBe(1);
  expect([memoryStats().liveBytes, tf.memory().numTensors]).toEqual(before);
  // The heap of JavaScript breathes; a leak of one activation per step would be 3 kB to 200 kB a step.
  expect(resident.at(-1)! - resident[Math.floor(steps / 4)]!).toBeLessThan(32 * 2 ** 20);
  expect(strict(() => train(precision, 5)).losses).toEqual(losses.slice(0, 5));
});
