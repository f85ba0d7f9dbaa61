import { groupNorm, linear, silu, tf } from '@unicharacter/native';
import { ATTRIBUTE_VALUES, type ToyAttribute } from '../../data/toy-world/index.js';
import type { TensorSpec } from '../../model/checkpoint-names.js';
import type { WeightStore } from '../../model/weight-store.js';
import { TOY_ATTRIBUTES } from '../attributes-seen.js';

/** Side of the square pictures that the reader looks at, in pixels. */
export const READER_SIDE = 128;

/** Output channels of the convolutions that halve the picture, after the stem that quarters it. */
const WIDTHS = [48, 80, 112, 128] as const;
const STEM_PATCH = 4;
const GROUPS = 8;
const NORM_EPS = 1e-5;
/** Width of the layer that all heads share. */
const HIDDEN = 192;
/** Index of the stage behind which a residual convolution follows: large enough to see a head, small enough to be cheap. */
const RESIDUAL_STAGE = 2;

/** Cells left of the picture before the shared layer. */
const CELLS = (READER_SIDE / STEM_PATCH / 2 ** (WIDTHS.length - 1)) ** 2;

function convSpecs(name: string, out: number, input: number, side: number): TensorSpec[] {
  const std = Math.sqrt(2 / (input * side * side));
  return [
    { name: `${name}.weight`, shape: [out, input, side, side], init: { kind: 'normal', std } },
    { name: `${name}.norm.weight`, shape: [out], init: { kind: 'ones' } },
    { name: `${name}.norm.bias`, shape: [out], init: { kind: 'zeros' } },
  ];
}

function linearSpecs(name: string, out: number, input: number): TensorSpec[] {
  const std = Math.sqrt(1 / input);
  return [
    { name: `${name}.weight`, shape: [out, input], init: { kind: 'normal', std } },
    { name: `${name}.bias`, shape: [out], init: { kind: 'zeros' } },
  ];
}

/** All weights of the reader. Convolutions are [out, in, kh, kw] in the file. */
export function readerSpecs(): TensorSpec[] {
  const stages = WIDTHS.flatMap((width, i) =>
    i === 0 ? convSpecs('stem', width, 3, STEM_PATCH) : convSpecs(`stages.${i}`, width, WIDTHS[i - 1]!, 3),
  );
  const residual = WIDTHS[RESIDUAL_STAGE];
  return [
    ...stages,
    ...convSpecs('residual', residual, residual, 3),
    ...linearSpecs('shared', HIDDEN, CELLS * WIDTHS.at(-1)!),
    ...TOY_ATTRIBUTES.flatMap((name) => linearSpecs(`heads.${name}`, ATTRIBUTE_VALUES[name].length, HIDDEN)),
  ];
}

/**
 * Logits of every attribute's values. Convolutions with group norm and SiLU quarter the picture, then halve it three times;
 * one linear layer sees the whole picture, and each attribute has a linear head on it.
 *
 * @param pixels [n, 128, 128, 3] in [−1, 1]
 * @returns per attribute [n, values]
 */
export function readerLogits(weights: WeightStore, pixels: tf.Tensor4D): Record<ToyAttribute, tf.Tensor2D> {
  return tf.tidy(() => {
    let x = block(weights, 'stem', pixels, STEM_PATCH, 'valid');
    for (let i = 1; i < WIDTHS.length; i++) {
      x = block(weights, `stages.${i}`, x, 2, 'same');
      if (i === RESIDUAL_STAGE) x = tf.add(x, block(weights, 'residual', x, 1, 'same')) as tf.Tensor4D;
    }
    const flat = tf.reshape(x, [pixels.shape[0], -1]) as tf.Tensor2D;
    const shared = silu(dense(weights, 'shared', flat));
    const heads = TOY_ATTRIBUTES.map((name) => [name, dense(weights, `heads.${name}`, shared)] as const);
    return Object.fromEntries(heads) as Record<ToyAttribute, tf.Tensor2D>;
  });
}

function block(
  weights: WeightStore,
  name: string,
  x: tf.Tensor4D,
  stride: number,
  padding: 'same' | 'valid',
): tf.Tensor4D {
  const { weight, bias } = weights.affine(`${name}.norm`);
  const convolved = tf.conv2d(
    x,
    weights.tensor<tf.Tensor4D>(`${name}.weight`),
    stride,
    padding,
  ) as tf.Tensor4D;
  return groupNorm(convolved, weight, bias, GROUPS, NORM_EPS, 'silu');
}

function dense(weights: WeightStore, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const { weight, bias } = weights.linear(name);
  return linear(x, weight, bias ?? undefined);
}
