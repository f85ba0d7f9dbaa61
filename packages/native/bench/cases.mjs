/**
 * What the benchmark runs on every backend: ordinary tfjs ops, so that each peer does the same work.
 * `work` is what one call must do at least, in flops or in bytes moved.
 */
const GFLOPS = 'GFLOP/s';
const GBS = 'GB/s';

const product = (name, m, k, n, transposeA, transposeB) => ({
  name: `matMul ${name}`,
  inputs: [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]],
  run: (tf, [a, b]) => tf.matMul(a, b, transposeA, transposeB),
  work: 2 * m * k * n,
  unit: GFLOPS,
});

const elementwise = (name, tensors, run) => ({
  name: `${name} [4096,1024]`,
  inputs: Array.from({ length: tensors }, () => [4096, 1024]),
  run,
  work: (tensors + 1) * 4 * 4096 * 1024,
  unit: GBS,
});

const image = [1, 64, 64, 64];
const filter = [3, 3, 64, 64];
const convolution = 2 * 64 * 64 * 64 * 64 * 9;

export const cases = [
  product('512³', 512, 512, 512, false, false),
  product('1024³', 1024, 1024, 1024, false, false),
  product('1024³, a transposed', 1024, 1024, 1024, true, false),
  product('1024³, b transposed', 1024, 1024, 1024, false, true),
  {
    name: 'conv2d 64×64×64→64 3×3',
    inputs: [image, filter],
    run: (tf, [x, w]) => tf.conv2d(x, w, 1, 'same'),
    work: convolution,
    unit: GFLOPS,
  },
  elementwise('add', 2, (tf, [a, b]) => tf.add(a, b)),
  elementwise('exp', 1, (tf, [a]) => tf.exp(a)),
  elementwise('softmax', 1, (tf, [a]) => tf.softmax(a)),
  elementwise('transpose', 1, (tf, [a]) => tf.transpose(a)),
  {
    name: 'sum of rows [4096,1024]',
    inputs: [[4096, 1024]],
    run: (tf, [a]) => tf.sum(a, 1),
    work: 4 * 4096 * 1024,
    unit: GBS,
  },
  {
    name: 'add [1] (cost of a call)',
    inputs: [[1], [1]],
    run: (tf, [a, b]) => tf.add(a, b),
    work: 0,
    unit: '',
  },
];
