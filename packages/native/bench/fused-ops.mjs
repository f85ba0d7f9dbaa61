// Speed of the fused ops, forward and with gradients, beside an ordinary product and an ordinary addition of this run.
// Run: node packages/native/bench/fused-ops.mjs   (after npx nx run native:build)
import { cpus } from 'node:os';
import * as N from '../dist/index.js';

const { tf } = N;
N.selectBackend('native');
const { isa, onednn, threads } = N.nativeInfo();
console.log(`${cpus()[0].model}, ${threads} threads, isa ${isa}, oneDNN ${onednn ?? 'none'}`);

const normal = (shape, stream) => N.randomNormal(shape, { seed: 1, stream, counter: 0 });

/** Shortest of several runs, in milliseconds. */
function best(f, runs = 12) {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    tf.dispose(tf.tidy(f));
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}

const rows = [];

/** One op on random inputs; `work` is flops or bytes of the forward pass. */
function measure(name, shapes, op, work, unit, precision = 'float32') {
  const variables = shapes.map((shape, i) => tf.variable(normal(shape, i)));
  const run = () => N.withAutocast(precision, () => op(...variables));
  const forward = best(run);
  const dy = tf.tidy(() => tf.fill(run().shape, 0.5));
  const both = best(() => {
    const { loss, grads } = N.valueAndGrads(() => ({ loss: tf.sum(tf.mul(run(), dy)) }), variables);
    return [loss, ...grads];
  });
  rows.push({
    op: `${name}${precision === 'bf16' ? ', bf16' : ''}`,
    'forward ms': forward.toFixed(2),
    'forward rate': `${(work / forward / 1e6).toFixed(1)} ${unit}`,
    'with gradients ms': both.toFixed(2),
  });
  tf.dispose([variables, dy]);
}

for (const precision of ['float32', 'bf16']) {
  measure(
    'linear 1024x1024x1024',
    [
      [1024, 1024],
      [1024, 1024],
    ],
    (x, w) => N.linear(x, w),
    2 * 1024 ** 3,
    'GFLOP/s',
    precision,
  );
}
for (const [tokens, heads, keyHeads, size] of [
  [1024, 4, 2, 32],
  [1024, 4, 4, 64],
  [1024, 8, 2, 128],
]) {
  const layouts = { full: N.AttentionLayout.full(tokens) };
  const zeros = new Int32Array(tokens);
  layouts.causal = new N.AttentionLayout({
    sample: zeros,
    split: zeros,
    order: zeros.map((_, i) => i),
    mode: zeros,
  });
  for (const [kind, layout] of Object.entries(layouts)) {
    const pairs = kind === 'full' ? tokens ** 2 : (tokens * (tokens + 1)) / 2;
    const shapes = [heads, keyHeads, keyHeads].map((count) => [tokens, count, size]);
    const name = `packedAttention ${kind} T ${tokens} heads ${heads}/${keyHeads} D ${size}`;
    measure(
      name,
      shapes,
      (q, k, v) => N.packedAttention(q, k, v, layout),
      4 * pairs * heads * size,
      'GFLOP/s',
    );
    layout.dispose();
  }
}
const matrix = [4096, 1024];
const bytes = 4 * 4096 * 1024;
measure('add [4096,1024]', [matrix, matrix], (x, y) => tf.add(x, y), 3 * bytes, 'GB/s');
measure('rmsNorm [4096,1024]', [matrix, [1024]], (x, w) => N.rmsNorm(x, w, 1e-6), 2 * bytes, 'GB/s');
measure(
  'layerNorm [4096,1024]',
  [matrix, [1024], [1024]],
  (x, w, b) => N.layerNorm(x, w, b, 1e-6),
  2 * bytes,
  'GB/s',
);
measure('swiglu [4096,1024]', [matrix, matrix], (x, y) => N.swiglu(x, y), 3 * bytes, 'GB/s');
measure('geluTanh [4096,1024]', [matrix], (x) => N.geluTanh(x), 2 * bytes, 'GB/s');
const image = [1, 128, 128, 128];
const norm = (x, w, b) => N.groupNorm(x, w, b, 32, 1e-6, 'silu');
measure('groupNorm + silu [1,128,128,128]', [image, [128], [128]], norm, 12 * 128 ** 3, 'GB/s');
const labels = tf.tensor1d(
  Int32Array.from({ length: 512 }, (_, i) => i * 3),
  'int32',
);
const crossEntropy = (h, w) => N.linearCrossEntropy(h, w, labels);
measure(
  'linearCrossEntropy 512x256 of 8192',
  [
    [512, 256],
    [8192, 256],
  ],
  crossEntropy,
  2 * 512 * 256 * 8192,
  'GFLOP/s',
);
console.table(rows);
