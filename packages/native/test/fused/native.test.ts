/** Every fused op on the native backend against its composition on 'cpu': values, gradients, bf16, repeatability. */
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { valueAndGrads } from '../../src/autodiff/index.js';
import { resetCounters, setStrict, traffic } from '../../src/counters.js';
import {
  AttentionLayout,
  geluTanh,
  groupNorm,
  layerNorm,
  linear,
  linearCrossEntropy,
  packedAttention,
  rmsNorm,
  rmsNormResidual,
  rope,
  silu,
  swiglu,
} from '../../src/ops/index.js';
import { philoxNormal } from '../../src/ops/philox.js';
import { withAutocast } from '../../src/precision.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';
import { deviation } from '../support.js';
import { packedRow, TWO_SAMPLES } from './rows.js';

/** One call of an op: float inputs by shape, and the op on the tensors (and on constants made on the spot). */
interface Case {
  name: string;
  shapes: number[][];
  run: (inputs: tf.Tensor[]) => tf.Tensor;
  /** Largest deviation of values and gradients in float32. */
  tolerance?: number;
}

const as1 = (x: tf.Tensor | undefined) => x as tf.Tensor1D;
const as2 = (x: tf.Tensor | undefined) => x as tf.Tensor2D;
const as3 = (x: tf.Tensor | undefined) => x as tf.Tensor3D;
const as4 = (x: tf.Tensor | undefined) => x as tf.Tensor4D;
const whole = (count: number, f: (i: number) => number) =>
  tf.tensor1d(
    Int32Array.from({ length: count }, (_, i) => f(i)),
    'int32',
  );

function attention(name: string, heads: [number, number], size: number, layout: () => AttentionLayout): Case {
  const made = layout();
  const { tokens } = made;
  const shapes = [heads[0], heads[1], heads[1]].map((count) => [tokens, count, size]);
  const run = ([q, k, v]: tf.Tensor[]) => packedAttention(as3(q), as3(k), as3(v), made);
  return {
    name: `packedAttention ${name}, T ${tokens}, heads ${heads}, D ${size}`,
    shapes,
    run,
    tolerance: 1e-5,
  };
}

const twoSamples = () => new AttentionLayout(packedRow(TWO_SAMPLES));
const row = (seed: number) => () => new AttentionLayout(packedRow(undefined, seed));

const cases: Case[] = [
  ...[
    [1, 1, 1],
    [3, 17, 5],
    [65, 33, 130],
  ].flatMap(([m, k, n]): Case[] => [
    {
      name: `linear ${m}x${k}x${n}`,
      shapes: [
        [m!, k!],
        [n!, k!],
      ],
      run: ([x, w]) => linear(x!, as2(w)),
    },
    {
      name: `linear with bias ${m}x${k}x${n}`,
      shapes: [[2, m!, k!], [n!, k!], [n!]],
      run: ([x, w, b]) => linear(x!, as2(w), as1(b)),
    },
  ]),
  ...[
    [1, 1],
    [7, 19],
    [33, 128],
    [130, 65],
  ].flatMap(([rows, size]): Case[] => [
    {
      name: `rmsNorm [${rows},${size}]`,
      shapes: [[rows!, size!], [size!]],
      run: ([x, w]) => rmsNorm(x!, as1(w), 1e-3),
    },
    {
      name: `rmsNormResidual [${rows},${size}]`,
      shapes: [[rows!, size!], [rows!, size!], [size!]],
      run: ([x, r, w]) => {
        const { sum, normed } = rmsNormResidual(x!, r!, as1(w), 1e-3);
        return tf.add(normed, tf.mul(tf.square(sum), 0.5));
      },
    },
    {
      name: `layerNorm [${rows},${size}]`,
      shapes: [[rows!, size!], [size!], [size!]],
      run: ([x, w, b]) => layerNorm(x!, as1(w), as1(b), 1e-3),
      tolerance: 2e-5,
    },
  ]),
  ...[
    [1, 1, 2],
    [9, 3, 10],
    [33, 2, 64],
  ].map(
    ([tokens, heads, size]): Case => ({
      name: `rope [${tokens},${heads},${size}]`,
      shapes: [[tokens!, heads!, size!]],
      run: ([x]) =>
        rope(
          as3(x),
          whole(tokens!, (i) => i * i * 7),
          1e4,
        ),
      tolerance: 1e-5,
    }),
  ),
  ...[[1], [1027], [3, 5, 7]].flatMap((shape): Case[] => [
    { name: `silu [${shape}]`, shapes: [shape], run: ([x]) => silu(tf.mul(x!, 3)) },
    { name: `geluTanh [${shape}]`, shapes: [shape], run: ([x]) => geluTanh(tf.mul(x!, 3)) },
    { name: `swiglu [${shape}]`, shapes: [shape, shape], run: ([x, y]) => swiglu(x!, y!) },
  ]),
  ...(['none', 'silu'] as const).flatMap((activation) =>
    [
      [1, 1, 2, 4, 2],
      [2, 5, 7, 12, 3],
      [1, 20, 17, 32, 8],
    ].map(
      ([batch, height, width, channels, groups]): Case => ({
        name: `groupNorm ${activation} [${batch},${height},${width},${channels}] in ${groups}`,
        shapes: [[batch!, height!, width!, channels!], [channels!], [channels!]],
        run: ([x, w, b]) => groupNorm(as4(x), as1(w), as1(b), groups!, 1e-3, activation),
        tolerance: 2e-5,
      }),
    ),
  ),
  ...[
    [1, 1, 2],
    [5, 4, 9],
    [130, 16, 301],
  ].map(
    ([tokens, size, vocabulary]): Case => ({
      name: `linearCrossEntropy [${tokens},${size}] of ${vocabulary}`,
      shapes: [
        [tokens!, size!],
        [vocabulary!, size!],
      ],
      run: ([h, w]) =>
        linearCrossEntropy(
          as2(h),
          as2(w),
          whole(tokens!, (i) => (i * 31) % vocabulary!),
        ),
      tolerance: 1e-5,
    }),
  ),
  attention('one token', [1, 1], 16, () => AttentionLayout.full(1)),
  attention('odd sizes', [3, 1], 5, () => AttentionLayout.full(67)),
  attention('exact tiles', [2, 2], 32, () => AttentionLayout.full(128)),
  attention('packed row', [4, 2], 16, row(1)),
  attention('packed row', [2, 2], 24, row(2)),
  attention('packed row', [7, 1], 17, row(3)),
  attention('packed row', [2, 1], 72, row(4)),
  attention('packed row', [2, 1], 128, row(5)),
  attention('two samples', [8, 2], 64, twoSamples),
  attention('two samples', [9, 3], 40, twoSamples),
];

/** Values and input gradients of sum(op * weights), as host arrays. */
function evaluate(backend: 'cpu' | 'native', { shapes, run }: Case, bf16 = false): Float32Array[] {
  selectBackend(backend);
  const draw = (shape: number[], stream: number) =>
    tf.tensor(
      philoxNormal(tf.util.sizeFromShape(shape), { seed: 1, stream, counter: shape.length }),
      shape,
      'float32',
    );
  const variables = tf.tidy(() => shapes.map((shape, i) => tf.variable(draw(shape, i))));
  const found = valueAndGrads(() => {
    const y = withAutocast(bf16 ? 'bf16' : 'float32', () => run(variables));
    return { loss: tf.sum(tf.mul(y, draw(y.shape, 99))) as tf.Scalar, y };
  }, variables);
  const host = [found.aux.y, ...found.grads].map((x) => x!.dataSync() as Float32Array);
  tf.dispose([variables, found.loss, found.aux.y, found.grads] as unknown as tf.TensorContainer);
  return host;
}

beforeAll(() => {
  selectBackend('native');
});

describe.each(cases)('$name', (one) => {
  test('float32 values and gradients', () => {
    const native = evaluate('native', one);
    const composed = evaluate('cpu', one);
    native.forEach((values, i) => {
      expect(values.length).toBe(composed[i]!.length);
      expect(deviation(values, composed[i]!), `part ${i}`).toBeLessThan(one.tolerance ?? 5e-6);
    });
  });

  test('bf16 values and gradients', () => {
    const native = evaluate('native', one, true);
    const composed = evaluate('cpu', one);
    native.forEach((values, i) => {
      expect(deviation(values, composed[i]!), `part ${i}`).toBeLessThan(0.05);
    });
  });

  test('twice the same bits, and nothing left behind', () => {
    const first = evaluate('native', one);
    const before = [memoryStats().liveBytes, tf.memory().numTensors];
    expect(evaluate('native', one)).toEqual(first);
    expect([memoryStats().liveBytes, tf.memory().numTensors]).toEqual(before);
  });
});

test('no fused op falls back to JavaScript', () => {
  selectBackend('native');
  setStrict(true);
  resetCounters();
  try {
    for (const one of cases) {
      const inputs = one.shapes.map((shape) => tf.fill(shape, 0.5));
      tf.dispose([tf.tidy(() => one.run(inputs)), inputs]);
    }
    expect(traffic.downloads).toBe(0);
  } finally {
    setStrict(false);
  }
});
