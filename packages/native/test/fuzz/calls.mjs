// Valid calls of the public API that together run every C++ kernel: the seeds from which bad commands are bred.
import * as native from '../../dist/index.js';

const { tf } = native;

const floats = (...shape) => tf.reshape(tf.sin(tf.range(1, 1 + tf.util.sizeFromShape(shape))), shape);
const positive = (...shape) => tf.add(tf.abs(floats(...shape)), 0.1);
const ints = (values, shape) => tf.tensor(values, shape, 'int32');
const bools = (...shape) => tf.greater(floats(...shape), 0);
/** Runs `f` and its gradients; the sum makes the result a scalar. */
const graded = (f, ...inputs) => tf.grads((...x) => tf.sum(f(...x)))(inputs);
const key = { seed: 5, stream: 1, counter: 2 };

function elementwise() {
  const binary = 'add sub mul div maximum minimum squaredDifference pow atan2 mod floorDiv'.split(' ');
  const compare = 'equal notEqual greater greaterEqual less lessEqual'.split(' ');
  for (const name of [...binary, ...compare]) {
    tf[name](floats(3, 5), positive(5));
    tf[name](floats(2, 1, 3), 1.5);
    if (!['div', 'atan2'].includes(name)) tf[name](ints([1, 2, 3, 4], [2, 2]), ints([2, 3], [2]));
  }
  for (const name of ['logicalAnd', 'logicalOr']) tf[name](bools(2, 3), bools(3));
  tf.logicalNot(bools(4));
  const unary = (
    'neg abs square sign relu relu6 step floor ceil round reciprocal sqrt rsqrt exp expm1 log log1p sigmoid tanh elu selu ' +
    'softplus erf sin cos tan asin acos atan sinh cosh asinh acosh atanh isNaN isInf isFinite'
  ).split(' ');
  for (const name of unary) tf[name](positive(3, 7));
  for (const name of 'sigmoid tanh relu relu6 elu square sqrt rsqrt reciprocal log log1p abs softplus erf sin cos'.split(
    ' ',
  ))
    graded(tf[name], positive(3, 4));
  graded((x) => tf.leakyRelu(x, 0.1), floats(3, 4));
  graded((x) => tf.clipByValue(x, -0.5, 0.5), floats(3, 4));
  tf.cast(floats(5), 'int32');
  tf.cast(bools(5), 'float32');
  tf.where(bools(2, 3), floats(2, 3), floats(3));
}

function movement() {
  tf.fill([2, 3], 1.5);
  tf.range(0, 7, 2, 'int32');
  tf.transpose(floats(2, 3, 4), [2, 0, 1]);
  tf.slice(floats(4, 5), [1, 2], [2, 3]);
  tf.tile(floats(2, 3), [2, 2]);
  tf.pad(floats(2, 3), [
    [1, 1],
    [0, 2],
  ]);
  tf.mirrorPad(
    floats(3, 4),
    [
      [1, 2],
      [2, 1],
    ],
    'reflect',
  );
  tf.mirrorPad(
    floats(3, 4),
    [
      [1, 2],
      [2, 1],
    ],
    'symmetric',
  );
  tf.concat([floats(2, 3), floats(2, 5)], 1);
  tf.split(floats(4, 6), [2, 3, 1], 1);
  graded((x) => tf.gather(x, ints([2, 0, 2]), 1), floats(2, 3, 4));
  tf.gather(floats(2, 3, 4), ints([0, 1, 2, 2], [2, 2]), 1, 1);
  tf.gatherND(floats(3, 4), ints([0, 1, 2, 3], [2, 2]));
  tf.unsortedSegmentSum(floats(4, 3), ints([0, 2, 2, 1]), 3);
  tf.scatterND(ints([1, 3], [2, 1]), floats(2, 3), [4, 3]);
  tf.tensorScatterUpdate(floats(4, 3), ints([1, 3], [2, 1]), floats(2, 3));
  tf.oneHot(ints([1, 0, 2]), 4);
  tf.topk(floats(3, 7), 3);
  tf.reverse(floats(3, 4), 1);
}

function reductions() {
  for (const name of ['sum', 'mean', 'prod', 'max', 'min']) {
    tf[name](floats(3, 4, 5), 1);
    tf[name](floats(3, 4), -1, true);
    tf[name](floats(3, 4));
  }
  tf.sum(ints([1, 2, 3, 4], [2, 2]), 0);
  for (const name of ['all', 'any']) tf[name](bools(3, 4), 1);
  for (const name of ['argMax', 'argMin']) tf[name](floats(3, 4, 2), 1);
  for (const name of ['cumsum', 'cumprod']) tf[name](floats(3, 4), 1, true, true);
  graded(tf.softmax, floats(3, 9));
}

function images() {
  graded((x, w) => tf.conv2d(x, w, 2, 'same'), floats(2, 7, 6, 3), floats(3, 3, 3, 4));
  tf.conv2d(floats(1, 8, 8, 2), floats(2, 2, 2, 3), 1, 1, 'NHWC', [2, 2]);
  graded((x, w) => tf.conv2d(x, w, 1, 1), floats(1, 8, 8, 2), floats(2, 2, 2, 3));
  graded((x, w) => tf.depthwiseConv2d(x, w, 1, 'same'), floats(1, 5, 5, 3), floats(3, 3, 3, 1));
  tf.fused.conv2d({
    x: floats(1, 5, 5, 2),
    filter: floats(3, 3, 2, 4),
    strides: 1,
    pad: 'same',
    bias: floats(4),
  });
  graded((x) => tf.maxPool(x, 2, 2, 'same'), floats(1, 5, 5, 3));
  graded((x) => tf.avgPool(x, 3, 1, 'valid'), floats(1, 5, 5, 3));
  for (const corners of [true, false]) {
    graded((x) => tf.image.resizeBilinear(x, [7, 4], corners), floats(1, 3, 5, 2));
    graded((x) => tf.image.resizeNearestNeighbor(x, [7, 4], corners), floats(1, 3, 5, 2));
  }
  tf.batchNorm(floats(2, 3, 3, 4), floats(4), positive(4), floats(4), floats(4));
  graded((x, w, b) => native.groupNorm(x, w, b, 2, 1e-5, 'silu'), floats(2, 3, 3, 4), floats(4), floats(4));
}

function products() {
  for (const [a, b] of [
    [false, false],
    [true, false],
    [false, true],
  ])
    tf.matMul(a ? floats(4, 3) : floats(3, 4), b ? floats(5, 4) : floats(4, 5), a, b);
  tf.matMul(floats(2, 3, 4), floats(2, 4, 5));
  tf.fused.matMul({ a: floats(3, 4), b: floats(4, 5), bias: floats(5), activation: 'relu' });
  graded((x, w, b) => native.linear(x, w, b), floats(2, 3, 4), floats(5, 4), floats(5));
  const frozen = floats(5, 4);
  graded(
    (x, a, b) => native.loraLinear(x, frozen, null, a, b, 0.5),
    floats(6, 4),
    floats(2, 4),
    floats(5, 2),
  );
  graded((x, factor) => native.scaleColumns(x, factor, floats(4)), floats(6, 4), floats(4));
  const labels = ints([1, 0, 6, 3]);
  graded((h, w) => native.linearCrossEntropy(h, w, labels), floats(4, 5), floats(7, 5));
}

function transformer() {
  graded(native.silu, floats(3, 5));
  graded(native.geluTanh, floats(3, 5));
  graded(native.swiglu, floats(3, 5), floats(3, 5));
  graded((x, w) => native.rmsNorm(x, w, 1e-6), floats(3, 8), floats(8));
  graded((x, r, w) => native.rmsNormResidual(x, r, w, 1e-6).normed, floats(3, 8), floats(3, 8), floats(8));
  graded((x, w, b) => native.layerNorm(x, w, b, 1e-6), floats(3, 8), floats(8), floats(8));
  graded((x) => native.rope(x, ints([0, 1, 5]), 1e4), floats(3, 2, 8));
  graded((x) => native.dropout(x, 0.3, key), floats(4, 5));
  const sample = Int32Array.from({ length: 70 }, (_, i) => Math.floor(i / 40));
  const split = Int32Array.from({ length: 70 }, (_, i) => Math.floor(i / 20));
  const layout = new native.AttentionLayout({
    sample,
    split,
    order: Int32Array.from({ length: 70 }, (_, i) => i),
    mode: split.map((s) => s % 3),
  });
  graded(
    (q, k, v) => native.packedAttention(q, k, v, layout),
    floats(70, 2, 16),
    floats(70, 1, 16),
    floats(70, 1, 16),
  );
  layout.dispose();
  const pool = tf.keep(floats(4, 16, 1, 16));
  const cache = { keys: [pool], values: [pool], pageTable: Int32Array.of(2, 0), length: 20 };
  for (const n of [1, 3, 70])
    native.cachedAttention(floats(n, 2, 16), floats(n, 1, 16), floats(n, 1, 16), cache, true);
  native.kvWrite([pool], Int32Array.of(46, 47, 0, 1), floats(4, 1, 16));
  pool.dispose();
}

function policy() {
  native.flowInterpolate(floats(4, 3), floats(4, 3), positive(4));
  const times = { t: [0.8, 0.5], tNext: [0.6, 0.3], noiseLevel: 0.7 };
  native.flowSdeStep(floats(2, 3, 4), floats(2, 3, 4), floats(2, 3, 4), times);
  const next = floats(2, 3, 4);
  graded((v) => native.flowSdeLogProb(next, floats(2, 3, 4), v, times).logProb, floats(2, 3, 4));
  const reference = floats(2, 3, 4);
  graded((mean) => native.gaussianKl(mean, reference, 0.5), floats(2, 3, 4));
  for (const options of [{}, { scope: 'global' }, { leaveOneOut: true }, { clip: 2 }])
    native.grpoAdvantage(floats(6), ints([0, 0, 1, 1, 1, 4]), options);
  const old = floats(6);
  const advantage = floats(6);
  graded((p) => native.grpoLoss(p, old, advantage, { clipLow: 0.2, clipHigh: 0.3 }).loss, floats(6));
}

function training() {
  for (const state of ['float32', 'bf16', 'int8']) {
    const weights = [tf.variable(floats(3, 5)), tf.variable(floats(7))];
    const optimizer = new native.AdamW({ lr: 0.01, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.01, state });
    optimizer.step(weights, [floats(3, 5), floats(7)], { clipNorm: 1 });
    native.emaUpdate([tf.variable(floats(7), false)], [weights[1]], 0.9);
    optimizer.dispose();
  }
  const { grads } = native.valueAndGrads(() => {
    const w = tf.variable(floats(3));
    return { loss: tf.addN([1, 2, 3].map((c) => tf.sum(tf.mul(w, c)))) };
  }, []);
  tf.dispose(grads);
  const v = tf.variable(floats(3));
  native.valueAndGrads(() => ({ loss: tf.addN([1, 2, 3].map((c) => tf.sum(tf.mul(v, c)))) }), [v]);
  native.randomNormal([3, 5], key);
  native.randomUniform([3, 5], key);
}

/** Runs all calls, in float32 and with products and activations in bf16, and frees what they made. */
export function callEverything() {
  native.selectBackend('native');
  for (const precision of ['float32', 'bf16']) {
    native.withAutocast(precision, () => {
      for (const family of [
        elementwise,
        movement,
        reductions,
        images,
        products,
        transformer,
        policy,
        training,
      ]) {
        tf.tidy(family);
      }
    });
  }
  tf.disposeVariables();
}
