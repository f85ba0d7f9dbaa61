import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';

/** The same values as a constant: no gradient reaches `x` through it. Shares the storage; call inside `tf.tidy`. */
export function frozen<T extends tf.Tensor>(x: T): T {
  return noGrad(() => tf.clone(x)) as T;
}
