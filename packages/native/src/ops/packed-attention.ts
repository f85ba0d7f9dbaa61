import * as tf from '../../lib/tfjs.mjs';
import { kernel, type NativeKernel } from '../kernels/kernel.js';
import type { AttentionLayout } from './attention-layout.js';
import { expectFloat, expectScale, expectThat } from './check.js';
import { computesInBf16, hasKernel, runMany } from './dispatch.js';

/**
 * Attention with grouped-query heads out of ordinary tfjs ops, scores in memory; also the reference of the tests.
 * q `[n, Hq, D]`, k and v `[m, Hkv, D]`, mask broadcastable to `[Hkv, Hq/Hkv, n, m]` or absent.
 */
export function composedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  scale: number,
  mask?: tf.Tensor,
): tf.Tensor3D {
  return tf.tidy(() => {
    const [queries, queryHeads, size] = q.shape;
    const [keys, keyHeads] = k.shape;
    const group = queryHeads / keyHeads;
    // Heads of a group share their keys, so they become more rows of one product: [Hkv, group·n, D].
    const rows = tf.transpose(tf.reshape(q, [queries, keyHeads, group, size]), [1, 2, 0, 3]);
    const stacked = tf.reshape(rows, [keyHeads, group * queries, size]) as tf.Tensor3D;
    const scores = tf.mul(tf.matMul(stacked, tf.transpose(k, [1, 0, 2]), false, true), scale);
    const grid = tf.reshape(scores, [keyHeads, group, queries, keys]);
    const weights = tf.softmax(mask === undefined ? grid : tf.add(grid, mask), 3);
    const flat = tf.reshape(weights, [keyHeads, group * queries, keys]) as tf.Tensor3D;
    const mixed = tf.matMul(flat, tf.transpose(v, [1, 0, 2]));
    const split = tf.transpose(tf.reshape(mixed, [keyHeads, group, queries, size]), [2, 0, 1, 3]);
    return tf.reshape(split, q.shape);
  });
}

/** `packedAttention` out of ordinary tfjs ops. */
export function composedPackedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: AttentionLayout,
  scale: number,
): tf.Tensor3D {
  return composedAttention(q, k, v, scale, layout.additiveMask());
}

function fusedPackedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: AttentionLayout,
  scale: number,
): tf.Tensor3D {
  const { metadata, tiles } = layout.tensors();
  const op = tf.customGrad((...args) => {
    const save = args[3] as unknown as tf.GradSaveFunc;
    const inputs = { q: args[0] as tf.Tensor, k: args[1] as tf.Tensor, v: args[2] as tf.Tensor };
    const [y, logSumExp] = runMany(
      'PackedAttention',
      { ...inputs, metadata, tiles },
      { scale, bf16: computesInBf16() },
    );
    save([inputs.q, inputs.k, inputs.v, y!, logSumExp!, metadata, tiles]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const names = ['q', 'k', 'v', 'y', 'logSumExp', 'metadata', 'tiles'];
      const kept = Object.fromEntries(names.map((name, i) => [name, saved[i]!]));
      return runMany('PackedAttentionGrad', { ...kept, dy }, { scale });
    };
    return { value: y!, gradFunc };
  });
  return op(q, k, v) as tf.Tensor3D;
}

/**
 * Softmax attention over a packed row, masked by `layout`; no mask is ever stored (Dao et al. 2022 for the tiling and the
 * recomputation in the backward pass; specification §2.4 and §2.7 for heads and visibility).
 *
 * @param q `[T, Hq, D]`
 * @param k `[T, Hkv, D]` with Hq a multiple of Hkv; query head i uses key head ⌊i·Hkv/Hq⌋
 * @param v `[T, Hkv, D]`
 * @param scale positive factor on q·k; 1/√D when absent
 * @returns `[T, Hq, D]`
 * @throws Error naming the shapes when they do not fit each other or the layout
 */
export function packedAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  layout: AttentionLayout,
  scale?: number,
): tf.Tensor3D {
  expectFloat('packedAttention', { q, k, v });
  const [tokens, queryHeads, size] = q.shape;
  const fits =
    q.rank === 3 &&
    tokens === layout.tokens &&
    [k, v].every((x) => x.rank === 3 && x.shape[0] === tokens && x.shape[2] === size) &&
    k.shape[1] === v.shape[1] &&
    queryHeads % k.shape[1] === 0;
  expectThat(
    fits,
    'packedAttention',
    `q [T, Hq, D], k and v [T, Hkv, D] with Hq a multiple of Hkv and T = ${layout.tokens} as in the layout`,
    { q, k, v },
  );
  const factor = scale ?? 1 / Math.sqrt(size);
  expectScale('packedAttention', factor);
  return hasKernel('PackedAttention')
    ? fusedPackedAttention(q, k, v, layout, factor)
    : composedPackedAttention(q, k, v, layout, factor);
}

type Inputs = {
  q: tf.TensorInfo;
  k: tf.TensorInfo;
  v: tf.TensorInfo;
  metadata: tf.TensorInfo;
  tiles: tf.TensorInfo;
};

/** Native kernels of `packedAttention`; the C++ side is cpp/cpu/attention.cc and attention_grad.cc. */
export const packedAttentionKernels: NativeKernel[] = [
  kernel<Inputs, { scale: number; bf16: boolean }>('PackedAttention', (args) => {
    const { q, k, v, metadata, tiles } = args.inputs;
    const call = args.backend
      .call('PackedAttention')
      .tensor(q)
      .tensor(k)
      .tensor(v)
      .tensor(metadata)
      .tensor(tiles);
    call.flag(args.attrs.bf16).real(args.attrs.scale);
    return call.outputs([q.shape, [q.shape[1]!, q.shape[0]!]], 'float32');
  }),
  kernel<Inputs & { y: tf.TensorInfo; logSumExp: tf.TensorInfo; dy: tf.TensorInfo }, { scale: number }>(
    'PackedAttentionGrad',
    (args) => {
      const { q, k, v, metadata, tiles, y, logSumExp, dy } = args.inputs;
      const call = args.backend.call('PackedAttentionGrad').tensor(q).tensor(k).tensor(v);
      call.tensor(metadata).tensor(tiles).tensor(y).tensor(logSumExp).tensor(dy).real(args.attrs.scale);
      return call.outputs([q.shape, k.shape, v.shape], 'float32');
    },
  ),
];
