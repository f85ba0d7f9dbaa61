/** Every kernel that transformers, a conv VAE, the image towers, their gradients and optimizers use runs in the addon. */
import { describe, expect, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { counters, resetCounters, strict } from '../../src/counters.js';
import { nativeKernels } from '../../src/kernels/index.js';
import { selectBackend } from '../../src/select-backend.js';

const tiers = {
  engine: 'Identity Cast Add Reshape ZerosLike OnesLike Fill',
  transformer:
    'BatchMatMul _FusedMatMul Add Sub Multiply RealDiv Maximum Minimum SquaredDifference Pow Mod FloorDiv ' +
    'Neg Abs Square Sqrt Rsqrt Exp Expm1 Log Log1p Sigmoid Tanh Relu Relu6 LeakyRelu Prelu Selu Elu EluGrad Softplus ' +
    'Erf Sin Cos Reciprocal Step Sign ClipByValue Floor Ceil Round IsNan IsFinite IsInf ' +
    'Sum Mean Max Min Prod All Any ArgMax ArgMin Cumsum Cumprod Softmax ' +
    'GatherV2 UnsortedSegmentSum GatherNd ScatterNd TensorScatterUpdate Slice StridedSlice Concat SplitV Pack Unpack ' +
    'Transpose PadV2 Tile Reverse ExpandDims Select Equal NotEqual Greater GreaterEqual Less LessEqual ' +
    'LogicalAnd LogicalOr LogicalNot OneHot Range LinSpace TopK Multinomial AddN',
  images:
    'Conv2D Conv2DBackpropInput Conv2DBackpropFilter FusedConv2D ResizeNearestNeighbor ResizeNearestNeighborGrad ' +
    'ResizeBilinear ResizeBilinearGrad AvgPool AvgPoolGrad MaxPool MaxPoolGrad MirrorPad DepthToSpace ' +
    'DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput DepthwiseConv2dNativeBackpropFilter ' +
    'FusedDepthwiseConv2D FusedBatchNorm BatchToSpaceND SpaceToBatchND',
};

describe('native kernels', () => {
  it.each(Object.entries(tiers))('of the %s tier are all there', (_, names) => {
    const have = new Set(nativeKernels.map(({ kernelName }) => kernelName));
    expect(names.split(' ').filter((name) => !have.has(name))).toEqual([]);
  });

  it('run every activation of fused products and convolutions without JavaScript', () => {
    selectBackend('native');
    const image = tf.ones([1, 5, 5, 3]) as tf.Tensor4D;
    const filter = tf.ones([3, 3, 3, 4]) as tf.Tensor4D;
    const bias = tf.ones([4]);
    const alpha = tf.fill([4], 0.1);
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const) {
      const weights = activation === 'prelu' ? { preluActivationWeights: alpha } : {};
      strict(() => {
        const a = tf.ones([2, 3]) as tf.Tensor2D;
        const b = tf.ones([3, 4]) as tf.Tensor2D;
        tf.dispose([a, b, tf.fused.matMul({ a, b, bias, activation, ...weights })]);
        const options = { x: image, filter, strides: 1, pad: 'same' as const, bias, activation, ...weights };
        tf.dispose(tf.fused.conv2d(options));
      });
    }
    tf.dispose([image, filter, bias, alpha]);
  });
});

describe('values that ops make', () => {
  const made: [string, () => tf.Tensor][] = [
    ['zeros', () => tf.zeros([64, 65])],
    ['ones', () => tf.ones([64, 65], 'int32')],
    ['eye', () => tf.eye(64)],
    ['eye in a batch', () => tf.eye(16, 17, [2, 3])],
    ['randomNormal', () => tf.randomNormal([64, 65])],
    ['randomStandardNormal', () => tf.randomStandardNormal([64, 65])],
    ['randomUniform', () => tf.randomUniform([64, 65], -1, 1)],
    ['randomUniformInt', () => tf.randomUniformInt([64, 65], 0, 9)],
    ['dropout', () => tf.tidy(() => tf.dropout(tf.ones([64, 65]), 0.4))],
    ['multinomial', () => tf.tidy(() => tf.multinomial(tf.ones([64, 65]) as tf.Tensor2D, 20))],
  ];

  it.each(made)('of %s are never built on the host', (_, make) => {
    selectBackend('native');
    resetCounters();
    const tensor = strict(make);
    const { uploadBytes, downloads } = counters();
    tensor.dispose();
    // Single numbers of an op's own may cross, arrays may not.
    expect(uploadBytes).toBeLessThanOrEqual(16);
    expect(downloads).toBe(0);
  });

  it('equal the stock ones where they are not random', () => {
    selectBackend('native');
    expect(tf.eye(3, 2).arraySync()).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
    expect(tf.eye(2, 3, [2], 'int32').arraySync()).toEqual([
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
    ]);
  });

  it('follow their distributions, repeat with a seed and differ without', () => {
    selectBackend('native');
    const moments = (x: tf.Tensor) => {
      const { mean, variance } = tf.moments(x);
      return [mean.dataSync()[0]!, Math.sqrt(variance.dataSync()[0]!)] as const;
    };
    tf.tidy(() => {
      const [mean, deviation] = moments(tf.randomNormal([40000], 3, 2, 'float32', 7));
      expect(Math.abs(mean - 3)).toBeLessThan(0.05);
      expect(Math.abs(deviation - 2)).toBeLessThan(0.05);
      const same = tf.randomUniform([9], 0, 1, 'float32', 'name').arraySync();
      expect(tf.randomUniform([9], 0, 1, 'float32', 'name').arraySync()).toEqual(same);
      expect(tf.randomUniform([9], 0, 1, 'float32', 'other').arraySync()).not.toEqual(same);
      expect(tf.randomUniform([9]).arraySync()).not.toEqual(tf.randomUniform([9]).arraySync());
      const drawn = tf.multinomial(tf.log(tf.tensor2d([[0.5, 0.3, 0.2]])) as tf.Tensor2D, 30000, 5);
      const shares = tf.mean(tf.cast(tf.oneHot(tf.reshape(drawn, [-1]) as tf.Tensor1D, 3), 'float32'), 0);
      for (const [i, share] of [0.5, 0.3, 0.2].entries()) {
        expect(Math.abs(shares.dataSync()[i]! - share)).toBeLessThan(0.02);
      }
    });
  });
});
