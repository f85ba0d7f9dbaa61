import { type AttentionLayout, layerNorm, packedAttention, tf } from '@unicharacter/native';
import { project } from '../../model/mot-transformer.js';
import type { Affine, Linear } from '../../model/weight-store.js';

/** A transformer block that normalises before attention and before the feed-forward part, as ViT and CLIP do. */
export interface PreNormBlock {
  readonly norm1: Affine;
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly out: Linear;
  /** LayerScale of the attention part (Touvron et al. 2021). */
  readonly scale1?: tf.Tensor1D;
  readonly norm2: Affine;
  readonly scale2?: tf.Tensor1D;
  readonly feedForward: (x: tf.Tensor2D) => tf.Tensor2D;
}

export interface BlockShape {
  readonly heads: number;
  readonly normEps: number;
}

/** `x + s₁ ⊙ out(attention(LN(x)))`, then `x + s₂ ⊙ feedForward(LN(x))` on packed rows [rows, width]. */
export function preNormBlock(
  block: PreNormBlock,
  x: tf.Tensor2D,
  layout: AttentionLayout,
  { heads, normEps }: BlockShape,
): tf.Tensor2D {
  const headDim = x.shape[1] / heads;
  return tf.tidy(() => {
    const h = layerNorm(x, block.norm1.weight, block.norm1.bias, normEps);
    const byHead = (l: Linear) => tf.reshape(project(h, l), [-1, heads, headDim]) as tf.Tensor3D;
    const attended = packedAttention(byHead(block.query), byHead(block.key), byHead(block.value), layout);
    const mixed = project(tf.reshape(attended, x.shape) as tf.Tensor2D, block.out);
    const middle = tf.add(x, scaled(mixed, block.scale1)) as tf.Tensor2D;
    const n = layerNorm(middle, block.norm2.weight, block.norm2.bias, normEps);
    return tf.add(middle, scaled(block.feedForward(n), block.scale2)) as tf.Tensor2D;
  });
}

const scaled = (x: tf.Tensor2D, scale: tf.Tensor1D | undefined) => (scale ? tf.mul(x, scale) : x);

/** Applies blocks one after the other; `x` is kept. */
export function preNormBlocks(
  blocks: readonly PreNormBlock[],
  x: tf.Tensor2D,
  layout: AttentionLayout,
  shape: BlockShape,
): tf.Tensor2D {
  let state = x;
  for (const block of blocks) {
    const next = preNormBlock(block, state, layout, shape);
    if (state !== x) state.dispose();
    state = next;
  }
  return state;
}
