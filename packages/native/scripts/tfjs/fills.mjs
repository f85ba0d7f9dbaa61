// tf.zeros and tf.ones as the Fill kernel on the native backend (stock builds a host array and uploads it).
import { ENGINE } from '@tensorflow/tfjs-core/dist/engine';
import { complex } from '@tensorflow/tfjs-core/dist/ops/complex';
import {
  assertNonNegativeIntegerDimensions,
  makeOnesTypedArray,
  makeZerosTypedArray,
  sizeFromShape,
} from '@tensorflow/tfjs-core/dist/util';

function constant(shape, dtype, value) {
  assertNonNegativeIntegerDimensions(shape);
  if (dtype === 'complex64') return complex(constant(shape, 'float32', value), constant(shape, 'float32', 0));
  if (ENGINE.backendName === 'native' && dtype !== 'string') {
    return ENGINE.runKernel('Fill', {}, { shape, value, dtype });
  }
  const size = sizeFromShape(shape);
  const values = value === 0 ? makeZerosTypedArray(size, dtype) : makeOnesTypedArray(size, dtype);
  return ENGINE.makeTensor(values, shape, dtype);
}

export function zeros(shape, dtype = 'float32') {
  return constant(shape, dtype, 0);
}

export function ones(shape, dtype = 'float32') {
  return constant(shape, dtype, 1);
}
