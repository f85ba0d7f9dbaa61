/** The gradients that replace those of tfjs-core: by differences, without host traffic, on both backends. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { counters, resetCounters, strict } from '../../src/counters.js';
import { selectBackend } from '../../src/select-backend.js';
import { differences, normals } from '../support.js';

type Case = [
  name: string,
  f: (x: tf.Tensor) => tf.Tensor,
  shape: number[],
  prepare?: (x: tf.Tensor) => tf.Tensor,
];

const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5);
const awayFromZero = (x: tf.Tensor) => tf.mul(tf.add(tf.abs(x), 0.3), tf.add(tf.mul(tf.step(x), 2), -1));
const indices = tf.tensor2d(
  [
    [0, 2],
    [1, 1],
    [3, 0],
  ],
  [3, 2],
  'int32',
);

const unary: Case[] = [
  ['abs', tf.abs, [13], awayFromZero],
  ['clipByValue', (x) => tf.clipByValue(x, -0.9, 0.8), [13]],
  ['cos', tf.cos, [13]],
  ['erf', tf.erf, [13]],
  ['leakyRelu', (x) => tf.leakyRelu(x, 0.3), [13], awayFromZero],
  ['log', tf.log, [13], positive],
  ['log1p', tf.log1p, [13], positive],
  ['reciprocal', tf.reciprocal, [13], positive],
  ['relu', tf.relu, [13], awayFromZero],
  ['relu6', tf.relu6, [13], awayFromZero],
  ['rsqrt', tf.rsqrt, [13], positive],
  ['sigmoid', tf.sigmoid, [13]],
  ['sin', tf.sin, [13]],
  ['softplus', tf.softplus, [13]],
  ['sqrt', tf.sqrt, [13], positive],
  ['square', tf.square, [13]],
  ['tanh', tf.tanh, [13]],
  ['elu', tf.elu, [13], awayFromZero],
  ['softmax', (x) => tf.softmax(x), [3, 7]],
  ['logSoftmax', (x) => tf.logSoftmax(x), [3, 7]],
];

const shaped: Case[] = [
  ['sum of all', (x) => tf.sum(x), [3, 5]],
  ['sum over two separate axes', (x) => tf.sum(x, [0, 2]), [3, 5, 2]],
  ['mean keepDims', (x) => tf.mean(x, -1, true), [3, 5]],
  ['mean over 0 and 2', (x) => tf.mean(x, [0, 2]), [3, 5, 2]],
  ['tile', (x) => tf.tile(x, [3, 1, 2]), [2, 3, 2]],
  ['broadcastTo', (x) => tf.broadcastTo(x, [6, 5]), [1, 5]],
  ['cumsum', (x) => tf.cumsum(x, 1, true, true), [3, 5]],
  ['prod with a negative axis', (x) => tf.prod(x, -1), [3, 4]],
  [
    'maximum with broadcasting',
    (x) => tf.maximum(tf.reshape(tf.linspace(-2, 2, 12), [4, 3]), tf.slice(x, [0], [3])),
    [5],
  ],
  ['minimum with broadcasting', (x) => tf.minimum(tf.reshape(x, [5, 1]), tf.tensor([[0.1, 0.7]])), [5]],
  ['squaredDifference with broadcasting', (x) => tf.squaredDifference(tf.ones([4, 5]), x), [5]],
  ['where(greater)', (x) => tf.where(tf.greater(x, 0), tf.mul(x, 3), tf.neg(x)), [9], awayFromZero],
  ['gather axis 1', (x) => tf.gather(x, tf.tensor1d([0, 2, 2], 'int32'), 1), [2, 4, 3]],
  [
    'gather batchDims 1',
    (x) =>
      tf.gather(
        x,
        tf.tensor2d(
          [
            [0, 2],
            [1, 1],
          ],
          [2, 2],
          'int32',
        ),
        1,
        1,
      ),
    [2, 4, 3],
  ],
  ['gatherND', (x) => tf.gatherND(x, indices), [4, 3, 2]],
  ['scatterND', (x) => tf.scatterND(indices, x, [4, 3]), [3]],
  [
    'tensorScatterUpdate',
    (x) => tf.tensorScatterUpdate(tf.reshape(x, [4, 3]), indices, tf.tensor1d([1, 2, 3])),
    [12],
  ],
  ['stridedSlice', (x) => tf.stridedSlice(x, [1, 3], [7, 0], [2, -1]), [7, 4]],
  ['stridedSlice with masks', (x) => tf.stridedSlice(x, [0, 1], [0, 2], [1, 1], 1, 1, 0, 0, 2), [3, 4]],
  ['depthToSpace', (x) => tf.depthToSpace(x as tf.Tensor4D, 2, 'NHWC'), [1, 2, 3, 8]],
  ['topk', (x) => tf.topk(x, 2).values, [3, 5]],
  ['cumprod', (x) => tf.cumprod(tf.add(tf.abs(x), 0.5), 1, false, true), [3, 5]],
  ['cumprod exclusive', (x) => tf.cumprod(x, 0, true), [4, 3], (x) => tf.add(tf.abs(x), 0.5)],
  [
    'batchNorm without scale and offset',
    (x) => tf.batchNorm(x, tf.tensor1d([0.1, -0.2, 0.3]), tf.tensor1d([1, 2, 0.5])),
    [2, 4, 3],
  ],
  [
    'batchNorm without scale, its mean',
    (m) => tf.batchNorm(tf.ones([2, 4, 3]), m as tf.Tensor1D, tf.tensor1d([1, 2, 0.5]), tf.zeros([3])),
    [3],
  ],
  ['matMul 3D x 2D, left', (x) => tf.matMul(x, tf.ones([4, 3])), [2, 3, 4]],
  ['matMul 3D x 2D, right', (x) => tf.matMul(tf.reshape(tf.linspace(-2, 2, 24), [2, 3, 4]), x), [4, 3]],
  ['matMul 2D x 3D transposed, left', (x) => tf.matMul(x, tf.ones([2, 3, 4]), true, true), [4, 5]],
  ['matMul transposeB', (x) => tf.matMul(tf.ones([2, 3, 4]), x, false, true), [5, 4]],
];

/** What the cpu backend itself computes wrongly or refuses. */
const nativeOnly: Case[] = [
  ['cumsum with a negative axis', (x) => tf.cumsum(x, -1), [3, 5]],
  ['einsum, batched product', (x) => tf.einsum('bij,bjk->bik', x, tf.ones([2, 4, 5])), [2, 3, 4]],
  ['einsum, right operand', (x) => tf.einsum('abi,jb->jai', tf.ones([2, 3, 4]), x), [5, 3]],
  ['einsum, sums and transposes one', (x) => tf.einsum('abc->ca', x), [2, 3, 4]],
  ['matMul broadcast stacks', (x) => tf.matMul(x, tf.ones([1, 3, 4, 2])), [2, 1, 3, 4]],
];

describe.each(['native', 'cpu'] as const)('gradients on %s', (backend) => {
  beforeEach(() => {
    selectBackend(backend);
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  it.each([...unary, ...shaped, ...(backend === 'native' ? nativeOnly : [])])(
    '%s',
    (_, f, shape, prepare) => {
      const raw = normals(shape);
      const x = prepare === undefined ? raw : prepare(raw);
      const seed = normals(f(x).shape);
      const weighted = (v: tf.Tensor) => tf.sum(tf.mul(f(v), seed)) as tf.Scalar;
      const gradient = tf.grad(weighted)(x).dataSync();
      const elements = [...new Set([0, 1, Math.floor(x.size / 2), x.size - 1])];
      const expected = differences(weighted, x, elements, 1e-2);
      for (const [i, element] of elements.entries()) {
        expect(Math.abs(gradient[element]! - expected[i]!)).toBeLessThan(
          2e-2 * Math.max(1, Math.abs(expected[i]!)),
        );
      }
    },
  );
});

describe('host traffic of gradients', () => {
  it('runs sums, means, tiles and activations without uploads and fallbacks', () => {
    selectBackend('native');
    tf.tidy(() => {
      const x = normals([64, 32]);
      const f = (v: tf.Tensor) =>
        tf.sum(tf.mean(tf.tile(tf.tanh(tf.relu(tf.sigmoid(v))), [2, 1]), 0)) as tf.Scalar;
      const g = tf.grad(f);
      g(x);
      resetCounters();
      strict(() => g(x));
      const { uploadBytes, downloads, fallbackKernels } = counters();
      // The only host value is the seed of the backward pass, one number.
      expect(uploadBytes).toBeLessThanOrEqual(4);
      expect(downloads).toBe(0);
      expect(fallbackKernels).toEqual({});
    });
  });

  it('differentiates twice through a fused gradient', () => {
    selectBackend('native');
    const second = tf.grad((v) => tf.grad((u) => tf.square(u))(v))(tf.scalar(0.7));
    expect(second.dataSync()[0]).toBeCloseTo(2, 5);
  });
});
