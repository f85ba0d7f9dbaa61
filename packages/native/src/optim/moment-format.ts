import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import { hasKernel, runOne } from '../ops/dispatch.js';
import { CODE_BLOCK, dynamicCodes } from './block-codes.js';
import { ownStorage } from './in-place.js';

/** How AdamW stores its moments. */
export type MomentType = 'float32' | 'bf16' | 'int8';

/** The tensors that hold the moments of one variable, and the kernel that updates them. */
export interface MomentFormat {
  /** What each tensor is called in a checkpoint, after the variable's name. */
  readonly suffixes: readonly string[];
  /** Native kernel of the update. */
  readonly kernel: 'AdamW' | 'AdamW8bit';
  /** Tensors that the kernel needs beside the variables. The caller disposes them. */
  tables(): tf.Tensor[];
  /** Moments of a variable that has not been updated yet, one tensor per suffix; call inside `tf.tidy`. */
  zeros(shape: number[]): tf.Tensor[];
  /** A moment with storage of its own in the type of this format. */
  stored(values: tf.Tensor): tf.Variable;
}

/** The format on the current backend: only the native one stores fewer than four bytes, others have float32 moments. */
export function momentFormat(type: MomentType): MomentFormat {
  if (type === 'int8' && hasKernel('AdamW8bit')) return codes;
  return type === 'bf16' && hasKernel('StoreAsBf16') ? halves : floats;
}

const floats: MomentFormat = {
  suffixes: ['.exp_avg', '.exp_avg_sq'],
  kernel: 'AdamW',
  tables: () => [],
  zeros: (shape) => [tf.fill(shape, 0), tf.fill(shape, 0)],
  stored: ownVariable,
};

const halves: MomentFormat = {
  ...floats,
  stored: (values) => noGrad(() => tf.tidy(() => tf.variable(runOne('StoreAsBf16', { x: values }), false))),
};

/** One byte per weight and moment, and a scale per block; the second moment as its root. */
const codes: MomentFormat = {
  suffixes: ['.exp_avg_codes', '.exp_avg_absmax', '.exp_avg_sq_root_codes', '.exp_avg_sq_root_absmax'],
  kernel: 'AdamW8bit',
  tables: () => [true, false].map((signed) => tf.tensor1d(dynamicCodes(signed))),
  zeros: (shape) => {
    const blocks = Math.ceil(tf.util.sizeFromShape(shape) / CODE_BLOCK);
    return [0, 1].flatMap(() => [tf.zeros(shape, 'bool'), tf.zeros([blocks])]);
  },
  stored: ownVariable,
};

function ownVariable(values: tf.Tensor): tf.Variable {
  return noGrad(() =>
    tf.tidy(() => {
      const moment = tf.variable(values, false);
      ownStorage(moment);
      return moment;
    }),
  );
}
