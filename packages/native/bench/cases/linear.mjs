import { bothDirections } from './directions.mjs';
import { peakProduct } from './precision.mjs';

const N = 1024;
const square = (dtype) => ({ shape: [N, N], dtype });

const linear = (dtype) =>
  bothDirections({
    name: `linear ${dtype === 'bf16' ? 'bf16' : 'f32'} 1024³`,
    op: 'linear',
    dtype,
    inputs: [square(dtype), square(dtype)],
    output: [N, N],
    apply: ({ N: native }, [x, w]) => native.linear(x, w),
    limit: peakProduct(dtype),
    peers: ['pytorch'],
    forward: { flops: 2 * N ** 3 },
    both: { flops: 6 * N ** 3 },
  });

const TOKENS = 512;
const HIDDEN = 256;
const VOCABULARY = 8192;
const products = 2 * TOKENS * HIDDEN * VOCABULARY;

const crossEntropy = bothDirections({
  name: `linearCrossEntropy f32 ${TOKENS}×${HIDDEN} of ${VOCABULARY}`,
  op: 'linearCrossEntropy',
  dtype: 'float32',
  inputs: [
    { shape: [TOKENS, HIDDEN], dtype: 'float32' },
    { shape: [VOCABULARY, HIDDEN], dtype: 'float32' },
    { shape: [TOKENS], dtype: 'int32', group: 1 },
  ],
  output: [TOKENS],
  apply: ({ N: native }, [hidden, weight, labels]) => native.linearCrossEntropy(hidden, weight, labels),
  trained: ([hidden, weight]) => [hidden, weight],
  limit: peakProduct('float32'),
  peers: ['pytorch'],
  forward: { flops: products },
  // Logits are not kept: the backward pass computes them again.
  both: { flops: 4 * products },
});

/** Products with their gradients as the model uses them. */
export const linears = [...linear('float32'), ...linear('bf16'), ...crossEntropy];
