/** Packed attention in bf16 tiles: how far values and gradients are from float32, and that threads do not change them. */
import { expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { valueAndGrads } from '../../src/autodiff/index.js';
import { Phys } from '../../src/binding.js';
import { AttentionLayout, packedAttention } from '../../src/ops/index.js';
import { philoxNormal } from '../../src/ops/philox.js';
import { selectBackend } from '../../src/select-backend.js';
import { inProcess } from '../in-process.js';
import { deviation } from '../support.js';
import { packedRow, TWO_SAMPLES } from './rows.js';

type Heads = readonly [query: number, key: number];

/** y, dq, dk and dv for normal inputs rounded to bf16, which the native backend gets as bf16. */
function evaluate(
  backend: 'cpu' | 'native',
  layout: AttentionLayout,
  [heads, keyHeads]: Heads,
  size: number,
) {
  selectBackend('native');
  const draw = (count: number, stream: number) => {
    const shape = [layout.tokens, count, size];
    const values = philoxNormal(tf.util.sizeFromShape(shape), { seed: 5, stream, counter: size });
    return tf.tidy(() => tf.engine().runKernel('StoreAsBf16', { x: tf.tensor(values, shape) }) as tf.Tensor);
  };
  const narrow = [draw(heads, 0), draw(keyHeads, 1), draw(keyHeads, 2), draw(heads, 3)];
  const inputs = narrow.map((x) => (backend === 'native' ? x : { host: x.dataSync(), shape: x.shape }));
  selectBackend(backend);
  const [q, k, v, dy] = inputs.map((x) =>
    tf.variable(x instanceof tf.Tensor ? x : tf.tensor(x.host, x.shape)),
  );
  const found = valueAndGrads(() => {
    const y = packedAttention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, layout);
    return { loss: tf.sum(tf.mul(y, dy!)) as tf.Scalar, y };
  }, [q!, k!, v!]);
  if (backend === 'native') {
    const { physOf } = tf.backend() as unknown as { physOf(info: tf.TensorInfo): number };
    expect(physOf.call(tf.backend(), found.aux.y)).toBe(Phys.bf16);
  }
  const host = [found.aux.y, ...found.grads].map((x) => Float32Array.from(x!.dataSync()));
  tf.dispose([q, k, v, dy, found.loss, found.aux.y, found.grads] as unknown as tf.TensorContainer);
  layout.dispose();
  selectBackend('native');
  tf.dispose(narrow);
  return host;
}

const cases: [string, () => AttentionLayout, Heads, number][] = [
  ['one token', () => AttentionLayout.full(1), [1, 1], 16],
  ['a tile and a bit', () => AttentionLayout.full(67), [3, 1], 8],
  ['exact tiles', () => AttentionLayout.full(192), [4, 2], 32],
  ...(
    [
      [16, [8, 2]],
      [24, [6, 3]],
      [64, [8, 2]],
      [80, [7, 1]],
      [128, [2, 2]],
    ] as const
  ).map(([size, heads]): [string, () => AttentionLayout, Heads, number] => [
    'two samples',
    () => new AttentionLayout(packedRow(TWO_SAMPLES)),
    heads,
    size,
  ]),
];

// Inputs are the same rounded numbers on both sides. Forward, weights and y are rounded to bf16 (2^-9 each). Backward, the
// weights, the slopes and the result are, and delta uses the rounded y: a few 2^-9 of the largest element.
test.each(cases)('%s, case %#', (_, layout, heads, size) => {
  const native = evaluate('native', layout(), heads, size);
  const composed = evaluate('cpu', layout(), heads, size);
  native.forEach((values, i) => {
    expect(deviation(values, composed[i]!), `part ${i}`).toBeLessThan(i === 0 ? 0.005 : 0.012);
  });
  expect(evaluate('native', layout(), heads, size)).toEqual(native);
});

test('a scale must be positive', () => {
  selectBackend('native');
  const layout = AttentionLayout.full(2);
  const x = tf.fill([2, 1, 8], 1) as tf.Tensor3D;
  expect(() => packedAttention(x, x, x, layout, -1)).toThrow(/packedAttention: .*positive scale.*-1/);
});

test('the number of threads does not change a bit', () => {
  const digest = `
    const { createHash } = await import('node:crypto');
    const { tf } = native;
    native.selectBackend('native');
    const draw = (shape, stream) => tf.variable(native.randomNormal(shape, { seed: 1, stream, counter: 0 }));
    const hash = createHash('sha256');
    for (const [heads, precision] of [[8, 'bf16'], [2, 'bf16'], [2, 'float32']]) {
      const [q, k, v] = [draw([300, heads, 32], 0), draw([300, 2, 32], 1), draw([300, 2, 32], 2)];
      const layout = native.AttentionLayout.full(300);
      const run = () => native.withAutocast(precision, () => native.packedAttention(q, k, v, layout));
      const { grads } = native.valueAndGrads(() => ({ loss: tf.sum(tf.square(run())) }), [q, k, v]);
      for (const x of [run(), ...grads]) hash.update(x.dataSync());
    }
    return hash.digest('hex');`;
  const one = inProcess(digest, { UNICHARACTER_THREADS: '1' });
  expect(inProcess(digest, { UNICHARACTER_THREADS: '3' })).toBe(one);
});
