import { bf16 } from './precision.mjs';

const SIZES = [
  [1024, 1024, 1024],
  [4096, 1024, 1024],
];
const TRANSPOSES = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
];
const word = (transposed) => (transposed ? 'T' : 'N');

/** y [m, n] = a [m, k] · b [k, n], either of which may lie transposed in memory. */
function product([m, k, n], [transposeA, transposeB], dtype) {
  const size = m === k ? `${m}³` : `${m}×${k}×${n}`;
  const type = dtype === 'bf16' ? 'bf16' : 'f32';
  // Plain JavaScript takes seconds for one product: it need not show more than that.
  const plainJs = m === k && !transposeA && !transposeB ? ['cpu'] : [];
  const name = `matMul ${type} ${size} ${word(transposeA)}${word(transposeB)}`;
  return {
    name,
    op: 'matMul',
    args: { transposeA, transposeB },
    dtype,
    inputs: [
      { shape: transposeA ? [k, m] : [m, k], dtype },
      { shape: transposeB ? [n, k] : [k, n], dtype },
    ],
    start: ({ tf, N }, [a, b]) => {
      const multiply = () => tf.matMul(a, b, transposeA, transposeB);
      return { once: dtype === 'bf16' ? bf16(N, multiply) : multiply };
    },
    flops: 2 * m * k * n,
    limit: { words: ['product', type, m, k, n, word(transposeA), word(transposeB)], same: true },
    peers: dtype === 'bf16' ? ['pytorch'] : ['wasm', ...plainJs, 'onnxruntime', 'pytorch'],
    bars: dtype === 'bf16' ? { limit: 0.9 } : { limit: 0.95, wasm: 8, onnxruntime: 1 },
  };
}

export const products = ['float32', 'bf16'].flatMap((dtype) =>
  SIZES.flatMap((size) => TRANSPOSES.map((transposes) => product(size, transposes, dtype))),
);
