import { bf16 } from './precision.mjs';

const SIZE = 64;
const CHANNELS = 64;
const KERNEL = 3;
const IMAGE = [1, SIZE, SIZE, CHANNELS];
const FILTER = [KERNEL, KERNEL, CHANNELS, CHANNELS];
const ATTRS = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC' };

/** One of the three convolutions of a layer; `run` gets the two inputs. */
function convolution(kind, dtype, shapes, run, rest) {
  const type = dtype === 'bf16' ? 'bf16' : 'f32';
  return {
    name: `conv2d ${type} 64×64×64→64 3×3, ${kind}`,
    op: 'conv2d',
    args: { kind },
    dtype,
    inputs: shapes.map((shape) => ({ shape, dtype })),
    start: ({ tf, N }, inputs) => {
      const once = () => run(tf, inputs);
      return { once: dtype === 'bf16' ? bf16(N, once) : once };
    },
    flops: 2 * SIZE ** 2 * CHANNELS ** 2 * KERNEL ** 2,
    limit: { words: ['convolution', kind, type, 1, SIZE, CHANNELS, CHANNELS, KERNEL], same: true },
    ...rest,
    peers: dtype === 'bf16' ? ['pytorch'] : rest.peers,
    bars: dtype === 'bf16' ? {} : rest.bars,
  };
}

const forward = (tf, [x, filter]) => tf.conv2d(x, filter, 1, 'same');
const inputGradient = (tf, [dy, filter]) =>
  tf.engine().runKernel('Conv2DBackpropInput', { dy, filter }, { ...ATTRS, inputShape: IMAGE });
const filterGradient = (tf, [x, dy]) =>
  tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, { ...ATTRS, filterShape: FILTER });

/** One layer of a convolutional autoencoder, and its two gradients. */
export const convolutions = ['float32', 'bf16'].flatMap((dtype) => [
  convolution('forward', dtype, [IMAGE, FILTER], forward, {
    peers: ['wasm', 'cpu', 'onnxruntime', 'pytorch'],
    bars: { onnxruntime: 0.95 },
  }),
  convolution('data', dtype, [IMAGE, FILTER], inputGradient, {
    peers: ['wasm', 'cpu', 'pytorch'],
    bars: { limit: 0.9 },
  }),
  convolution('filter', dtype, [IMAGE, IMAGE], filterGradient, {
    peers: ['cpu', 'pytorch'],
    bars: { limit: 0.9 },
  }),
]);
