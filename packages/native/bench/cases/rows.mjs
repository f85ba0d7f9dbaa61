import { bothDirections } from './directions.mjs';

// One array is 64 MiB of f32, more than the caches of two cores hold.
const ROWS = 16384;
const WIDTH = 1024;
const MATRIX = [ROWS, WIDTH];
const EPS = 1e-6;
const bytesOf = (dtype) => ROWS * WIDTH * (dtype === 'bf16' ? 2 : 4);

/**
 * An op on rows that memory bounds. `arrays` counts the matrices that must be read or written: forward, and in the
 * backward pass (its inputs, the gradient of the output, the gradients of the inputs).
 */
function rowOp(
  op,
  dtype,
  { matrices = 1, vectors = 0, arrays: [forward, backward], bar, args, apply, peers = [] },
) {
  const bars = bar === undefined ? {} : { limit: bar };
  return bothDirections({
    name: `${op} ${dtype === 'bf16' ? 'bf16' : 'f32'}`,
    op,
    args,
    dtype,
    inputs: [
      ...Array.from({ length: matrices }, () => ({ shape: MATRIX, dtype })),
      ...Array.from({ length: vectors }, () => ({ shape: [WIDTH], dtype })),
    ],
    output: MATRIX,
    apply,
    bars,
    forward: { bytes: forward * bytesOf(dtype), peers: [...(dtype === 'bf16' ? [] : peers), 'pytorch'] },
    both: { bytes: (forward + backward) * bytesOf(dtype) },
  });
}

const rmsNorm = {
  vectors: 1,
  arrays: [2, 3],
  bar: 0.8,
  args: { eps: EPS },
  apply: ({ N }, [x, w]) => N.rmsNorm(x, w, EPS),
};
const swiglu = { matrices: 2, arrays: [3, 5], bar: 0.8, apply: ({ N }, [gate, up]) => N.swiglu(gate, up) };
const softmax = {
  arrays: [2, 3],
  bar: 0.8,
  apply: ({ tf }, [x]) => tf.softmax(x),
  peers: ['wasm', 'cpu', 'onnxruntime'],
};
const layerNorm = {
  vectors: 2,
  arrays: [2, 3],
  args: { eps: EPS },
  apply: ({ N }, [x, w, b]) => N.layerNorm(x, w, b, EPS),
  peers: ['onnxruntime'],
};
const geluTanh = { arrays: [2, 3], apply: ({ N }, [x]) => N.geluTanh(x) };

/** Norms and activations of a transformer, [16384, 1024]. */
export const rows = [
  ...rowOp('rmsNorm', 'float32', rmsNorm),
  ...rowOp('rmsNorm', 'bf16', rmsNorm),
  ...rowOp('swiglu', 'float32', swiglu),
  ...rowOp('swiglu', 'bf16', swiglu),
  ...rowOp('softmax', 'float32', softmax),
  ...rowOp('layerNorm', 'float32', layerNorm),
  ...rowOp('geluTanh', 'float32', geluTanh),
];
