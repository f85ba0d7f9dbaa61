import * as tf from '../../lib/tfjs.mjs';

/**
 * Gives a variable storage of its own where it shares it with another tensor (the one it was made from, or a clone), so
 * that a kernel may write into it.
 */
export function ownStorage(variable: tf.Variable): void {
  if (tf.engine().backend.refCount(variable.dataId) === 1) return;
  tf.tidy(() => {
    // A number from JavaScript leaves the physical type as it is. Bytes have no arithmetic.
    const bytes = variable.dtype === 'bool';
    variable.assign(bytes ? tf.tensor(variable.dataSync(), variable.shape, 'bool') : tf.mul(variable, 1));
  });
}
