import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { currentPrecision } from '../precision.js';
import { applyActivation } from './fused-activation.js';
import { fallback, type KernelArgs, kernel, type NativeKernel } from './kernel.js';
import { writeWindow } from './window.js';

type Conv2DInfo = backend_util.Conv2DInfo;
type Shape4 = [number, number, number, number];
type ConvAttrs = {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
};

function geometry(attrs: ConvAttrs, image: number[], filter: number[], depthwise: boolean): Conv2DInfo {
  return backend_util.computeConv2DInfo(
    image as Shape4,
    filter as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    'channelsLast',
  );
}

function isFloatNhwc(attrs: ConvAttrs, ...inputs: tf.TensorInfo[]): boolean {
  return (
    (attrs.dataFormat ?? 'NHWC') === 'NHWC' &&
    inputs.every((x) => x.dtype === 'float32' && util.sizeFromShape(x.shape) > 0)
  );
}

function forward(
  backend: NativeBackend,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  info: Conv2DInfo,
  depthwise: boolean,
): tf.TensorInfo {
  const call = backend.call('Conv2D').tensor(x).tensor(filter).optional(bias);
  return writeWindow(call, info)
    .flag(depthwise)
    .flag(currentPrecision() === 'bf16')
    .output(info.outShape, 'float32');
}

function backward(
  backend: NativeBackend,
  name: 'Conv2DBackpropInput' | 'Conv2DBackpropFilter',
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  info: Conv2DInfo,
  depthwise: boolean,
  shape: number[],
): tf.TensorInfo {
  return writeWindow(backend.call(name).tensor(a).tensor(b), info)
    .flag(depthwise)
    .flag(currentPrecision() === 'bf16')
    .output(shape, 'float32');
}

function convolution(name: string, depthwise: boolean): NativeKernel {
  return kernel<{ x: tf.TensorInfo; filter: tf.TensorInfo }, ConvAttrs>(name, (args) => {
    const { x, filter } = args.inputs;
    if (!isFloatNhwc(args.attrs, x, filter)) return fallback(name, args);
    return forward(
      args.backend,
      x,
      filter,
      undefined,
      geometry(args.attrs, x.shape, filter.shape, depthwise),
      depthwise,
    );
  });
}

function fusedConvolution(name: string, depthwise: boolean): NativeKernel {
  type Inputs = {
    x: tf.TensorInfo;
    filter: tf.TensorInfo;
    bias?: tf.TensorInfo;
    preluActivationWeights?: tf.TensorInfo;
  };
  type Attrs = ConvAttrs & { activation: backend_util.Activation | null; leakyreluAlpha?: number };
  return kernel<Inputs & Record<string, tf.TensorInfo>, Attrs>(name, (args) => {
    const { x, filter, bias, preluActivationWeights } = args.inputs;
    if (!isFloatNhwc(args.attrs, x, filter)) return fallback(name, args);
    const info = geometry(args.attrs, x.shape, filter.shape, depthwise);
    // The C++ kernel adds one value per output channel; another shape of bias is added afterwards.
    const perChannel = bias !== undefined && util.sizeFromShape(bias.shape) === info.outChannels;
    const product = forward(args.backend, x, filter, perChannel ? bias : undefined, info, depthwise);
    const biased =
      bias === undefined || perChannel
        ? product
        : args.backend.replace(product, (y) =>
            args.backend.call('Add').operand(y).operand(bias).output(y.shape, 'float32'),
          );
    return applyActivation(
      args.backend,
      biased,
      args.attrs.activation,
      preluActivationWeights,
      args.attrs.leakyreluAlpha,
    );
  });
}

function inputGradient(name: string, depthwise: boolean): NativeKernel {
  return kernel<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, ConvAttrs & { inputShape: number[] }>(
    name,
    (
      args: KernelArgs<{ dy: tf.TensorInfo; filter: tf.TensorInfo }, ConvAttrs & { inputShape: number[] }>,
    ) => {
      const { dy, filter } = args.inputs;
      const { inputShape } = args.attrs;
      if (!isFloatNhwc(args.attrs, dy, filter)) return fallback(name, args);
      const info = geometry(args.attrs, inputShape, filter.shape, depthwise);
      if (!util.arraysEqual(dy.shape, info.outShape)) return fallback(name, args);
      return backward(args.backend, 'Conv2DBackpropInput', dy, filter, info, depthwise, info.inShape);
    },
  );
}

function filterGradient(name: string, depthwise: boolean): NativeKernel {
  return kernel<{ x: tf.TensorInfo; dy: tf.TensorInfo }, ConvAttrs & { filterShape: number[] }>(
    name,
    (args: KernelArgs<{ x: tf.TensorInfo; dy: tf.TensorInfo }, ConvAttrs & { filterShape: number[] }>) => {
      const { x, dy } = args.inputs;
      const { filterShape } = args.attrs;
      if (!isFloatNhwc(args.attrs, x, dy)) return fallback(name, args);
      const info = geometry(args.attrs, x.shape, filterShape, depthwise);
      return backward(args.backend, 'Conv2DBackpropFilter', x, dy, info, depthwise, info.filterShape);
    },
  );
}

/** Convolutions over NHWC images with HWIO filters, and both gradients. */
export const conv2dKernels: NativeKernel[] = [
  convolution('Conv2D', false),
  convolution('DepthwiseConv2dNative', true),
  fusedConvolution('FusedConv2D', false),
  fusedConvolution('FusedDepthwiseConv2D', true),
  inputGradient('Conv2DBackpropInput', false),
  inputGradient('DepthwiseConv2dNativeBackpropInput', true),
  filterGradient('Conv2DBackpropFilter', false),
  filterGradient('DepthwiseConv2dNativeBackpropFilter', true),
];
