/** Public ops with tensors of any shape and type: a result, or an error that names the op and shapes; nothing is left. */
import { beforeAll, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import * as ops from '../../src/ops/index.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { Draw } from '../differential/support.js';

const CALLS_PER_OP = 150;
const SIZES = [0, 1, 2, 3, 4, 8];
const key = { seed: 1, stream: 2, counter: 3 };

/** Arguments are whatever comes: an op may be handed any tensor in any place. */
// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
type Any = any;
type Call = (draw: Draw, x: () => Any) => unknown;

function anyTensor(draw: Draw, shapes: number[][]): tf.Tensor {
  // Shapes come back often, so that some operands fit each other.
  if (shapes.length === 0 || draw.unit() < 0.4) {
    shapes.push(Array.from({ length: draw.int(0, 4) }, () => draw.pick(SIZES)));
  }
  const shape = draw.pick(shapes);
  const dtype = draw.unit() < 0.7 ? 'float32' : draw.pick(['int32', 'bool'] as const);
  const values = Array.from({ length: tf.util.sizeFromShape(shape) }, () => draw.int(-2, 3));
  return tf.tensor(values, shape, dtype);
}

const layoutOf = (draw: Draw) => ops.AttentionLayout.full(draw.pick([1, 2, 3, 4, 8]));
const times = { t: 0.8, tNext: 0.6, noiseLevel: 0.7 };
const table = (draw: Draw) => Int32Array.from({ length: draw.int(0, 3) }, () => draw.int(-1, 4));

const pool = (draw: Draw, x: () => tf.Tensor) => Array.from({ length: draw.int(0, 3) }, () => x());

const fused: Record<string, Call> = {
  silu: (_, x) => ops.silu(x()),
  geluTanh: (_, x) => ops.geluTanh(x()),
  swiglu: (_, x) => ops.swiglu(x(), x()),
  rmsNorm: (_, x) => ops.rmsNorm(x(), x(), 1e-6),
  rmsNormResidual: (_, x) => ops.rmsNormResidual(x(), x(), x(), 1e-6),
  layerNorm: (_, x) => ops.layerNorm(x(), x(), x(), 1e-6),
  groupNorm: (draw, x) => ops.groupNorm(x(), x(), x(), draw.int(-1, 4), 1e-5, 'silu'),
  rope: (_, x) => ops.rope(x(), x(), 1e4),
  linear: (draw, x) => ops.linear(x(), x(), draw.unit() < 0.5 ? x() : undefined),
  loraLinear: (draw, x) => ops.loraLinear(x(), x(), draw.unit() < 0.5 ? x() : null, x(), x(), 0.5),
  scaleColumns: (draw, x) => ops.scaleColumns(x(), x(), draw.unit() < 0.5 ? x() : null),
  linearCrossEntropy: (_, x) => ops.linearCrossEntropy(x(), x(), x()),
  dropout: (draw, x) => ops.dropout(x(), draw.pick([-1, 0, 0.5, 1, Number.NaN]), key),
  packedAttention: (draw, x) => {
    const layout = layoutOf(draw);
    try {
      return ops.packedAttention(x(), x(), x(), layout);
    } finally {
      layout.dispose();
    }
  },
  cachedAttention: (draw, x) =>
    ops.cachedAttention(
      x(),
      x(),
      x(),
      { keys: pool(draw, x), values: pool(draw, x), pageTable: table(draw), length: draw.int(-1, 5) },
      true,
    ),
  cachedAttentionRows: (draw, x) =>
    ops.cachedAttentionRows(x(), x(), x(), pool(draw, x), pool(draw, x), {
      pageTables: table(draw),
      lengths: table(draw),
    }),
  kvWrite: (draw, x) => ops.kvWrite(pool(draw, x), table(draw), x()),
  flowInterpolate: (_, x) => ops.flowInterpolate(x(), x(), x()),
  flowSdeStep: (_, x) => ops.flowSdeStep(x(), x(), x(), times),
  flowSdeLogProb: (_, x) => ops.flowSdeLogProb(x(), x(), x(), times),
  gaussianKl: (_, x) => ops.gaussianKl(x(), x(), 0.5),
  grpoAdvantage: (_, x) => ops.grpoAdvantage(x(), x()),
  grpoLoss: (_, x) => ops.grpoLoss(x(), x(), x(), { clipLow: 0.2, clipHigh: 0.2 }),
};

const standard: Record<string, Call> = {
  matMul: (draw, x) => tf.matMul(x(), x(), draw.unit() < 0.5, draw.unit() < 0.5),
  add: (_, x) => tf.add(x(), x()),
  where: (_, x) => tf.where(x(), x(), x()),
  concat: (draw, x) => tf.concat([x(), x()], draw.int(-2, 3)),
  split: (draw, x) => tf.split(x(), draw.int(-1, 4), draw.int(-2, 3)),
  slice: (draw, x) => tf.slice(x(), [draw.int(-1, 3)], [draw.int(-2, 5)]),
  pad: (draw, x) => tf.pad(x(), [[draw.int(-2, 2), draw.int(-2, 2)]]),
  transpose: (draw, x) => tf.transpose(x(), [draw.int(-1, 2), draw.int(-1, 2)]),
  tile: (draw, x) => tf.tile(x(), [draw.int(-1, 3), draw.int(0, 3)]),
  gather: (draw, x) => tf.gather(x(), x(), draw.int(-2, 3), draw.int(-1, 2)),
  gatherND: (_, x) => tf.gatherND(x(), x()),
  scatterND: (draw, x) => tf.scatterND(x(), x(), [draw.int(-1, 4), draw.int(0, 4)]),
  unsortedSegmentSum: (draw, x) => tf.unsortedSegmentSum(x(), x(), draw.int(-2, 5)),
  oneHot: (draw, x) => tf.oneHot(x(), draw.int(-2, 5)),
  topk: (draw, x) => tf.topk(x(), draw.int(-2, 5)),
  sum: (draw, x) => tf.sum(x(), draw.int(-2, 4)),
  cumsum: (draw, x) => tf.cumsum(x(), draw.int(-2, 4)),
  softmax: (_, x) => tf.softmax(x()),
  conv2d: (draw, x) => tf.conv2d(x(), x(), draw.int(-1, 3), draw.pick(['same', 'valid', 1, -1])),
  maxPool: (draw, x) => tf.maxPool(x(), draw.int(-1, 3), draw.int(-1, 3), 'valid'),
  resizeBilinear: (draw, x) => tf.image.resizeBilinear(x(), [draw.int(-1, 5), draw.int(0, 5)]),
};

beforeAll(() => {
  selectBackend('native');
});

/** Calls an op with what a seed draws. Gives the messages of the refusals and the number of successes. */
function callMany(call: Call): { messages: string[]; succeeded: number } {
  const messages: string[] = [];
  let succeeded = 0;
  for (let seed = 0; seed < CALLS_PER_OP; seed++) {
    const draw = new Draw(seed);
    const shapes: number[][] = [];
    const before = [tf.memory().numTensors, memoryStats().liveBuffers];
    tf.tidy(() => {
      try {
        call(draw, () => anyTensor(draw, shapes));
        succeeded++;
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(Error);
        messages.push((error as Error).message);
      }
    });
    expect([tf.memory().numTensors, memoryStats().liveBuffers], `seed ${seed}`).toEqual(before);
  }
  return { messages, succeeded };
}

test.each(Object.keys(fused))('%s refuses what it cannot take with its name and the shapes', (name) => {
  const { messages } = callMany(fused[name]!);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages) {
    expect(message).toMatch(new RegExp(name, 'i'));
    if (name !== 'dropout') expect(message).toMatch(/\[[\d,]*\]|page/);
  }
});

test.each(Object.keys(standard))('%s gives a result or an error', (name) => {
  const { messages, succeeded } = callMany(standard[name]!);
  expect(messages.length + succeeded).toBe(CALLS_PER_OP);
});
