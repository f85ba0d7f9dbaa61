import type * as tf from '../../lib/tfjs.mjs';
import { backend_util, util } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { Phys } from '../binding.js';
import { fallback, isNumeric, kernel, type NativeKernel } from './kernel.js';
import { transpose } from './strided.js';

/** Keeps these random numbers apart from those that other ops draw with the same seed. */
const MULTINOMIAL_STREAM = 0xf0000010;

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

/**
 * Samples of categorical distributions by the Gumbel maximum (Gumbel 1954): argmax of logits − ln(−ln u). Each sample has
 * uniform numbers of its own, so memory is samples × outcomes.
 */
function multinomial(
  backend: NativeBackend,
  logits: tf.TensorInfo,
  { numSamples, seed, normalized }: tf.MultinomialAttrs,
): tf.TensorInfo {
  const [rows, outcomes] = logits.shape as [number, number];
  const shape = [rows, numSamples, outcomes];
  const unary = (name: string) => (x: tf.TensorInfo) =>
    backend.call(name).tensor(x).output(x.shape, 'float32');
  // The seed is any number, often a fraction: its bits are the key.
  const [low, high] = new Uint32Array(Float64Array.of(seed).buffer) as unknown as [number, number];
  const uniform = backend.call('PhiloxUniform').dims(shape).int(low).int(high);
  let noise = uniform.int(0).int(0).int(MULTINOMIAL_STREAM).output(shape, 'float32');
  for (const name of ['Log', 'Neg', 'Log', 'Neg']) noise = backend.replace(noise, unary(name));
  const scores = normalized ? unary('Log')(logits) : backend.alias(logits, logits.shape);
  const wide = backend.replace(scores, (x) => backend.alias(x, [rows, 1, outcomes]));
  const perturbed = backend.replace(noise, (x) =>
    backend.call('Add').operand(x).operand(wide).output(shape, 'float32'),
  );
  backend.disposeData(wide.dataId);
  return backend.replace(perturbed, (x) =>
    backend
      .call('ArgMax')
      .tensor(x)
      .int(rows * numSamples)
      .int(outcomes)
      .int(1)
      .output([rows, numSamples], 'int32'),
  );
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
  kernel<{ logits: tf.TensorInfo }, tf.MultinomialAttrs>('Multinomial', (args) => {
    const { logits } = args.inputs;
    const native =
      logits.dtype === 'float32' && util.sizeFromShape(logits.shape) > 0 && args.attrs.numSamples > 0;
    return native ? multinomial(args.backend, logits, args.attrs) : fallback('Multinomial', args);
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
