/** The ops, composed and native, against formulas written out in plain loops, in float64. */
import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import {
  AttentionLayout,
  cachedAttention,
  geluTanh,
  groupNorm,
  kvWrite,
  layerNorm,
  linear,
  linearCrossEntropy,
  packedAttention,
  rmsNorm,
  rope,
  silu,
  swiglu,
} from '../../src/ops/index.js';
import { selectBackend } from '../../src/select-backend.js';
import { expectClose, normals } from '../support.js';
import { packedRow } from './rows.js';

describe.each(['cpu', 'native'] as const)('on %s', (backend) => {
  beforeAll(() => {
    selectBackend(backend);
  });

  const rowsOf = (x: tf.Tensor, size: number) => {
    const values = [...x.dataSync()];
    return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
  };
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const dot = (a: number[], b: number[]) => sum(a.map((value, i) => value * b[i]!));

  test('linear', () => {
    const x = normals([2, 3, 5]);
    const w = normals([4, 5]) as tf.Tensor2D;
    const bias = normals([4]) as tf.Tensor1D;
    const offsets = [...bias.dataSync()];
    const expected = rowsOf(x, 5).flatMap((row) => rowsOf(w, 5).map((out, i) => dot(row, out) + offsets[i]!));
    const y = linear(x, w, bias);
    expect(y.shape).toEqual([2, 3, 4]);
    expectClose(y, expected, 1e-6);
    expect(linear(normals([5]), w).shape).toEqual([4]);
    expect(() => linear(x, normals([4, 6]) as tf.Tensor2D)).toThrow(
      /linear: .*x float32 \[2,3,5\], w float32 \[4,6\]/,
    );
  });

  test('rmsNorm and layerNorm', () => {
    const x = normals([7, 6]);
    const weight = normals([6]) as tf.Tensor1D;
    const bias = normals([6]) as tf.Tensor1D;
    const [g, b] = [[...weight.dataSync()], [...bias.dataSync()]];
    const rms = rowsOf(x, 6).flatMap((row) =>
      row.map((v, i) => (g[i]! * v) / Math.sqrt(dot(row, row) / 6 + 1e-6)),
    );
    expectClose(rmsNorm(x, weight, 1e-6), rms, 1e-6);
    const layer = rowsOf(x, 6).flatMap((row) => {
      const mean = sum(row) / 6;
      const centred = row.map((v) => v - mean);
      return centred.map((v, i) => (g[i]! * v) / Math.sqrt(dot(centred, centred) / 6 + 1e-6) + b[i]!);
    });
    expectClose(layerNorm(x, weight, bias, 1e-6), layer, 1e-6);
    expect(() => rmsNorm(x, normals([5]) as tf.Tensor1D, 1e-6)).toThrow(/rmsNorm: .*\[7,6\].*\[5\]/);
  });

  test('rope rotates half against half', () => {
    const x = normals([3, 2, 8]) as tf.Tensor3D;
    const positions = [0, 4, 1000];
    const expected = rowsOf(x, 8).flatMap((row, r) => {
      const angle = (k: number) => positions[Math.floor(r / 2)]! * 1e6 ** (-k / 4);
      const first = [0, 1, 2, 3].map((k) => row[k]! * Math.cos(angle(k)) - row[k + 4]! * Math.sin(angle(k)));
      const second = [0, 1, 2, 3].map((k) => row[k + 4]! * Math.cos(angle(k)) + row[k]! * Math.sin(angle(k)));
      return [...first, ...second];
    });
    expectClose(rope(x, tf.tensor1d(positions, 'int32'), 1e6), expected, 1e-4);
    expect(() => rope(x, tf.tensor1d(positions), 1e6)).toThrow(/positions int32/);
  });

  test('activations', () => {
    const x = normals([40], 2);
    const up = normals([40]);
    const values = [...x.dataSync()];
    const sigmoid = values.map((v) => v / (1 + Math.exp(-v)));
    expectClose(silu(x), sigmoid, 1e-6);
    expectClose(
      swiglu(x, up),
      sigmoid.map((v, i) => v * up.dataSync()[i]!),
      1e-6,
    );
    const gelu = values.map(
      (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    );
    expectClose(geluTanh(x), gelu, 1e-6);
    expect(() => swiglu(x, normals([39]))).toThrow(/gate float32 \[40\], up float32 \[39\]/);
  });

  test.each(['none', 'silu'] as const)('groupNorm, activation %s', (activation) => {
    const [batch, pixels, channels, groups] = [2, 6, 8, 4];
    const x = normals([batch, 2, 3, channels]) as tf.Tensor4D;
    const weight = normals([channels]) as tf.Tensor1D;
    const bias = normals([channels]) as tf.Tensor1D;
    const values = x.dataSync();
    const expected = new Array<number>(values.length);
    for (let b = 0; b < batch; b++) {
      for (let g = 0; g < groups; g++) {
        const places = Array.from(
          { length: pixels * 2 },
          (_, i) => (b * pixels + (i >> 1)) * channels + g * 2 + (i & 1),
        );
        const mean = sum(places.map((p) => values[p]!)) / places.length;
        const variance = sum(places.map((p) => (values[p]! - mean) ** 2)) / places.length;
        for (const p of places) {
          const c = p % channels;
          const y =
            ((values[p]! - mean) / Math.sqrt(variance + 1e-6)) * weight.dataSync()[c]! + bias.dataSync()[c]!;
          expected[p] = activation === 'silu' ? y / (1 + Math.exp(-y)) : y;
        }
      }
    }
    expectClose(groupNorm(x, weight, bias, groups, 1e-6, activation), expected, 1e-6);
    expect(() => groupNorm(x, weight, bias, 3, 1e-6, activation)).toThrow(/divisible by 3/);
  });

  test('linearCrossEntropy', () => {
    const hidden = normals([5, 4]) as tf.Tensor2D;
    const weight = normals([9, 4]) as tf.Tensor2D;
    const labels = [0, 8, 3, 3, 5];
    const expected = rowsOf(hidden, 4).map((row, i) => {
      const logits = rowsOf(weight, 4).map((out) => dot(row, out));
      return Math.log(sum(logits.map(Math.exp))) - logits[labels[i]!]!;
    });
    expectClose(linearCrossEntropy(hidden, weight, tf.tensor1d(labels, 'int32')), expected, 1e-6);
  });

  function attend(q: number[], keys: number[][], values: number[][]): number[] {
    const weights = keys.map((key) => Math.exp(dot(q, key) / Math.sqrt(q.length)));
    return q.map((_, d) => sum(weights.map((w, i) => w * values[i]![d]!)) / sum(weights));
  }

  test('packedAttention follows the layout and groups heads', () => {
    const metadata = packedRow([
      [
        ['causal', 3],
        ['full', 2],
        ['noise', 2],
        ['causal', 2],
      ],
      [['causal', 4]],
    ]);
    const layout = new AttentionLayout(metadata);
    const [tokens, heads, keyHeads, size] = [layout.tokens, 4, 2, 5];
    const q = normals([tokens, heads, size]) as tf.Tensor3D;
    const k = normals([tokens, keyHeads, size]) as tf.Tensor3D;
    const v = normals([tokens, keyHeads, size]) as tf.Tensor3D;
    const [queries, keys, values] = [rowsOf(q, size), rowsOf(k, size), rowsOf(v, size)];
    const expected = queries.flatMap((query, row) => {
      const [token, head] = [Math.floor(row / heads), Math.floor((row % heads) / 2)];
      const seen = Array.from({ length: tokens }, (_, key) => key).filter((key) => layout.sees(token, key));
      const pick = (all: number[][]) => seen.map((key) => all[key * keyHeads + head]!);
      return attend(query, pick(keys), pick(values));
    });
    expectClose(packedAttention(q, k, v, layout), expected, 1e-6);
    layout.dispose();
    expect(() => packedAttention(q, k, normals([tokens, 1, size]) as tf.Tensor3D, layout)).toThrow(
      /packedAttention/,
    );
  });

  test.each([true, false])('cachedAttention over scattered pages, causal %s', (causal) => {
    const [past, chunk, heads, size] = [7, 3, 2, 4];
    const pool = () => [tf.fill([2, 3, heads, size], 9), tf.fill([3, 3, heads, size], 9)];
    const pools = { keys: pool(), values: pool() };
    const pageTable = Int32Array.of(4, 0, 2);
    const all = { keys: normals([past + chunk, heads, size]), values: normals([past + chunk, heads, size]) };
    for (const name of ['keys', 'values'] as const) {
      const part = (from: number, count: number) =>
        tf.slice(all[name] as tf.Tensor3D, [from, 0, 0], [count, heads, size]);
      kvWrite(pools[name], Int32Array.of(12, 13), part(0, 2));
      kvWrite(pools[name], Int32Array.of(14, 0, 1, 2, 6), part(2, past - 2));
    }
    const q = normals([chunk, heads, size]) as tf.Tensor3D;
    const last = (x: tf.Tensor) => tf.slice(x as tf.Tensor3D, [past, 0, 0], [chunk, heads, size]);
    const cache = { ...pools, pageTable, length: past };
    const y = cachedAttention(q, last(all.keys), last(all.values), cache, causal);
    const expected = rowsOf(q, size).flatMap((query, row) => {
      const [token, head] = [Math.floor(row / heads), row % heads];
      const seen = causal ? past + token + 1 : past + chunk;
      const pick = (x: tf.Tensor) => rowsOf(x, size).filter((_, i) => i % heads === head && i / heads < seen);
      return attend(query, pick(all.keys), pick(all.values));
    });
    expectClose(y, expected, 1e-6);
    expect(() =>
      cachedAttention(q, last(all.keys), last(all.values), { ...cache, length: 10 }, causal),
    ).toThrow(/4 pages/);
  });
});
