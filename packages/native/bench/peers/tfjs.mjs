// What the processes of all TensorFlow.js backends share.
import { inputValues } from '../values.mjs';

/**
 * Makes the inputs of a case and gets it ready.
 * @param {{tf: object, N: object | null}} api tfjs, and this package where it runs
 * @param {(x: object) => object} toBf16 makes a bf16 tensor of a float32 one
 */
export function startTfjsCase(api, one, toBf16) {
  const { tf } = api;
  const tensors = one.inputs.map((input, i) => {
    const x = tf.tensor(inputValues(input, i), input.shape, input.dtype === 'int32' ? 'int32' : 'float32');
    return input.dtype === 'bf16' ? toBf16(x) : x;
  });
  const { once, look = (result) => result, stop = () => {} } = one.start(api, tensors);
  return {
    once: () => tf.dispose(once()),
    results: () => {
      const result = once();
      const read = [look(result)].flat().map((x) => x.dataSync());
      tf.dispose(result);
      return read;
    },
    stop: () => {
      stop();
      tf.dispose(tensors);
    },
  };
}
