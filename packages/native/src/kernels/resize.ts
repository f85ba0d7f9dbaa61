import type * as tf from '../../lib/tfjs.mjs';
import { fallback, kernel, type NativeKernel } from './kernel.js';

function resize(name: 'ResizeBilinear' | 'ResizeNearestNeighbor'): NativeKernel {
  return kernel<{ images: tf.TensorInfo }, tf.ResizeBilinearAttrs>(name, (args) => {
    const { images } = args.inputs;
    const { alignCorners, halfPixelCenters, size } = args.attrs;
    if (images.dtype !== 'float32') return fallback(name, args);
    const [batch, , , channels] = images.shape as [number, number, number, number];
    return args.backend
      .call(name)
      .tensor(images)
      .int(size[0])
      .int(size[1])
      .flag(alignCorners)
      .flag(halfPixelCenters)
      .output([batch, size[0], size[1], channels], 'float32');
  });
}

function resizeGradient(name: 'ResizeBilinearGrad' | 'ResizeNearestNeighborGrad'): NativeKernel {
  type Attrs = { alignCorners: boolean; halfPixelCenters?: boolean };
  return kernel<{ images: tf.TensorInfo; dy: tf.TensorInfo }, Attrs>(name, (args) => {
    const { images, dy } = args.inputs;
    if (images.dtype !== 'float32') return fallback(name, args);
    return args.backend
      .call(name)
      .tensor(dy)
      .int(images.shape[1]!)
      .int(images.shape[2]!)
      .flag(args.attrs.alignCorners)
      .flag(args.attrs.halfPixelCenters ?? false)
      .output(images.shape, 'float32');
  });
}

export const resizeKernels: NativeKernel[] = [
  resize('ResizeBilinear'),
  resize('ResizeNearestNeighbor'),
  resizeGradient('ResizeBilinearGrad'),
  resizeGradient('ResizeNearestNeighborGrad'),
];
