/** Packed attention and its gradients on tensor cores (bf16, head sizes 64 and 128) against the composition in float32. */
import { describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { AttentionLayout, packedAttention } from '../../src/ops/index.js';
import { philoxNormal } from '../../src/ops/philox.js';
import { withAutocast } from '../../src/precision.js';
import { selectBackend } from '../../src/select-backend.js';
import { bf16Tensor, roundBf16 } from '../differential/support.js';
import { packedRow } from '../fused/rows.js';
import { deviation } from '../support.js';

const rounded = (count: number, stream: number) =>
  Float32Array.from(philoxNormal(count, { seed: 11, stream, counter: 0 }), roundBf16);

function causal(tokens: number): AttentionLayout {
  const zeros = new Int32Array(tokens);
  return new AttentionLayout({ sample: zeros, split: zeros, order: zeros.map((_, i) => i), mode: zeros });
}

const layouts: Record<string, () => AttentionLayout> = {
  'one tile that is full': () => AttentionLayout.full(64),
  'three tiles, the last of 22': () => AttentionLayout.full(150),
  'causal, 100 tokens': () => causal(100),
  'samples, images and noise': () => new AttentionLayout(packedRow(undefined, 3)),
};

describe.each(Object.entries(layouts))('%s', (_, make) => {
  test.each([
    [64, 2, 2],
    [64, 4, 1],
    [128, 2, 1],
  ])('head size %i, heads %i over %i', (size, heads, keyHeads) => {
    // q, k, v and the gradient of the result; y, dq, dk and dv.
    const counts = [heads, keyHeads, keyHeads, heads];
    const run = (tensorOf: (values: Float32Array, shape: number[]) => tf.Tensor) =>
      tf.tidy(() => {
        const layout = make();
        const [q, k, v, dy] = counts.map((count, i) => {
          const shape = [layout.tokens, count, size];
          return tensorOf(rounded(tf.util.sizeFromShape(shape), i), shape) as tf.Tensor3D;
        });
        const attention = (...x: tf.Tensor[]) =>
          packedAttention(x[0] as tf.Tensor3D, x[1] as tf.Tensor3D, x[2] as tf.Tensor3D, layout);
        const results = [attention(q!, k!, v!), ...tf.grads(attention)([q!, k!, v!], dy!)];
        const values = results.map((x) => x.dataSync());
        layout.dispose();
        return values;
      });
    selectBackend('cpu');
    const expected = run((values, shape) => tf.tensor(values, shape));
    selectBackend('native');
    const actual = withAutocast('bf16', () =>
      run((values, shape) => bf16Tensor({ values, shape, dtype: 'float32' })),
    );
    for (const [i, values] of expected.entries()) {
      expect(deviation(actual[i]!, values)).toBeLessThan(2e-2);
      expect(deviation(actual[i]!, values)).toBeGreaterThan(0);
    }
  });
});
