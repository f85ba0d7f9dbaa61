const MATRIX = [16384, 1024];
const BYTES = 4 * MATRIX[0] * MATRIX[1];

/** A standard op on one or two matrices; `arrays` counts those that must be read or written. */
const standard = (op, matrices, arrays, run) => ({
  name: `${op} f32 [16384,1024]`,
  op,
  args: {},
  dtype: 'float32',
  inputs: Array.from({ length: matrices }, () => ({ shape: MATRIX, dtype: 'float32' })),
  start: ({ tf }, inputs) => ({ once: () => run(tf, inputs) }),
  bytes: arrays * BYTES,
  peers: ['wasm', 'cpu', 'onnxruntime', 'pytorch'],
});

/** Standard ops that memory bounds, and the cost of a call that does nothing. */
export const elementwise = [
  standard('add', 2, 3, (tf, [a, b]) => tf.add(a, b)),
  standard('exp', 1, 2, (tf, [a]) => tf.exp(a)),
  standard('transpose', 1, 2, (tf, [a]) => tf.transpose(a)),
  standard('rowSum', 1, 1, (tf, [a]) => tf.sum(a, 1)),
  {
    ...standard('add', 2, 3, (tf, [a, b]) => tf.add(a, b)),
    name: 'add f32 [1] (cost of a call)',
    inputs: [
      { shape: [1], dtype: 'float32' },
      { shape: [1], dtype: 'float32' },
    ],
    bytes: undefined,
    bars: { ms: 0.0012 },
  },
];
