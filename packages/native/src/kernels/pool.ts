import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import { fallback, kernel, type NativeKernel } from './kernel.js';
import { writeWindow } from './window.js';

type PoolAttrs = Omit<tf.AvgPoolAttrs, 'dimRoundingMode'> & { dimRoundingMode?: 'floor' | 'round' | 'ceil' };

function geometry(attrs: PoolAttrs, shape: number[]): backend_util.Conv2DInfo {
  return backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

function pool(name: 'AvgPool' | 'MaxPool'): NativeKernel {
  return kernel<{ x: tf.TensorInfo }, PoolAttrs>(name, (args) => {
    const { x } = args.inputs;
    if (x.dtype !== 'float32') return fallback(name, args);
    const info = geometry(args.attrs, x.shape);
    if (info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape)) {
      return args.backend.alias(x, x.shape);
    }
    return writeWindow(args.backend.call(name).tensor(x), info).output(info.outShape, 'float32');
  });
}

function poolGradient(name: 'AvgPoolGrad' | 'MaxPoolGrad'): NativeKernel {
  return kernel<{ dy: tf.TensorInfo; input: tf.TensorInfo }, PoolAttrs>(name, (args) => {
    const { dy, input } = args.inputs;
    if (input.dtype !== 'float32') return fallback(name, args);
    const info = geometry(args.attrs, input.shape);
    return writeWindow(args.backend.call(name).tensor(dy).tensor(input), info).output(input.shape, 'float32');
  });
}

export const poolKernels: NativeKernel[] = [
  pool('AvgPool'),
  pool('MaxPool'),
  poolGradient('AvgPoolGrad'),
  poolGradient('MaxPoolGrad'),
];
