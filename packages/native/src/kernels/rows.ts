import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import { Phys } from '../binding.js';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';
import { transpose } from './strided.js';

type Unary = { x: tf.TensorInfo };

/** Running sum or product; the scanned axis is moved to the end and back. */
function scan(name: 'Cumsum' | 'Cumprod'): NativeKernel {
  return kernel<Unary, tf.CumsumAttrs>(name, (args) => {
    const { x } = args.inputs;
    const { axis, exclusive, reverse } = args.attrs;
    if (!isNumeric(x)) return fallback(name, args);
    const { backend } = args;
    const run = (input: tf.TensorInfo) =>
      backend.call(name).tensor(input).flag(exclusive).flag(reverse).output(input.shape, input.dtype);
    const along = (input: tf.TensorInfo) => {
      const perm = backend_util.getAxesPermutation(util.parseAxisParam(axis, x.shape), x.shape.length);
      if (perm === null) return run(input);
      const scanned = backend.replace(transpose(backend, input, perm), run);
      const back = backend_util.getUndoAxesPermutation(perm);
      return backend.replace(scanned, (y) => transpose(backend, y, back));
    };
    if (x.dtype !== 'bool') return along(x);
    return backend.replace(backend.call('Cast').tensor(x).int(Phys.i32).output(x.shape, 'int32'), along);
  });
}

/** Kernels that work on the rows along the last dimension. */
export const rowKernels: NativeKernel[] = [
  kernel<{ logits: tf.TensorInfo }, tf.SoftmaxAttrs>('Softmax', (args) => {
    const { logits } = args.inputs;
    const { dim } = args.attrs;
    if (logits.dtype !== 'float32' || (dim !== -1 && dim !== logits.shape.length - 1)) {
      return fallback('Softmax', args);
    }
    return args.backend.call('Softmax').tensor(logits).output(logits.shape, 'float32');
  }),
  kernel<{ dy: tf.TensorInfo; y: tf.TensorInfo }, unknown>('SoftmaxGrad', (args) => {
    const { dy, y } = args.inputs;
    return args.backend.call('SoftmaxGrad').tensor(dy).tensor(y).output(y.shape, 'float32');
  }),
  scan('Cumsum'),
  scan('Cumprod'),
  kernel<Unary, tf.TopKAttrs>('TopK', (args) => {
    const { x } = args.inputs;
    if (!isNumeric(x)) return fallback('TopK', args);
    const shape = [...x.shape.slice(0, -1), args.attrs.k];
    return args.backend.call('TopK').tensor(x).int(args.attrs.k).outputs([shape, shape], [x.dtype, 'int32']);
  }),
  kernel<{ condition: tf.TensorInfo; t: tf.TensorInfo; e: tf.TensorInfo }, unknown>('Select', (args) => {
    const { condition, t, e } = args.inputs;
    if (condition.dtype !== 'bool' || !isNumeric(t) || t.dtype !== e.dtype) return fallback('Select', args);
    return args.backend
      .call('Select')
      .tensor(condition)
      .tensor(t)
      .tensor(e)
      .dims(t.shape)
      .output(t.shape, t.dtype);
  }),
];
